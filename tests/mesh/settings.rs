//! Other settings of component auth: each is set as an admin sets it, and what settings.txt says of it holds.

use crate::matrix;
use crate::mesh::Mesh;
use crate::requests::Setting;

/// One after the other; in the end all is as before.
pub(crate) fn each_holds(mesh: &Mesh, settings: &[Setting]) {
    for (name, to) in [("zoe", "--user=oidc:zoe"), ("crew", "--group=oidc:crew")] {
        let share = ["-n", "kubeflow-jane", "create", "rolebinding", name, "--role=default", to];
        mesh.cluster.kubectl_as("jane@foo.com", &share).success();
    }
    let apply = || mesh.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
    for Setting { parameters, cells, .. } in settings {
        for (name, value) in parameters {
            mesh.app.kfctl(&["param", "set", "auth", name, value]).success();
        }
        apply();
        let pointer = |name: &str, usual: &str| {
            let set = parameters.iter().find(|(set, _)| *set == name).map_or(usual, |(_, value)| *value);
            format!("/{}", set.trim_matches(['[', ']']).replace("][", "/"))
        };
        let before = mesh.claims.replace([pointer("userClaim", "email"), pointer("groupsClaim", "groups")]);
        matrix(mesh, cells, &format!("with {parameters:?}"));
        mesh.claims.replace(before);
        for (name, _) in parameters {
            mesh.app.kfctl(&["param", "unset", "auth", name]).success();
        }
    }
    apply();
}
