//! CPU, memory and what else a notebook asks for. Any quantity of Kubernetes is understood. Pure.

use serde_json::{Map, Value, json};

use super::form::{Reading, Typed};
use crate::catalog::{Quantity, quantity_value};

/// What a container asks for.
#[derive(Debug, Default)]
pub(super) struct Amounts {
    pub(super) requests: Map<String, Value>,
    pub(super) limits: Map<String, Value>,
    /// The nodes that have the devices.
    pub(super) node_selector: Map<String, Value>,
}

/// Less memory than this is a slip: bytes are meant as gibibytes.
const LEAST_MEMORY: f64 = 1024.0 * 1024.0;

pub(super) fn read(reading: &mut Reading<'_>) -> Amounts {
    let choices = reading.context.choices;
    let mut amounts = Amounts::default();
    for (resource, limit_field, factor) in
        [("cpu", "cpuLimit", choices.cpu.factor()), ("memory", "memoryLimit", choices.memory.factor())]
    {
        let Some(request) = reading.said(resource).and_then(|said| quantity(reading, resource, said)) else {
            if reading.said(resource).is_none() {
                reading.wrong(resource, "say how much; a quantity such as 500m or 2 for CPU, 1.5Gi for memory");
            }
            continue;
        };
        let limit = match reading.said(limit_field) {
            Some("none") => None,
            Some(said) => quantity(reading, limit_field, said),
            None => factor.map(|factor| times(&request, factor, resource)),
        };
        if let Some(limit) = limit {
            if Quantity::difference(&limit, &request).is_some_and(|left| left.starts_with('-')) {
                reading.wrong(limit_field, format!("the limit can’t be less than the {request} that are asked for"));
            }
            amounts.limits.insert(resource.to_owned(), limit.into());
        }
        amounts.requests.insert(resource.to_owned(), request.into());
    }
    devices(reading, &mut amounts);
    for (resource, said) in extra(reading) {
        if let Some(quantity) = further(reading, &resource, &said) {
            if amounts.limits.contains_key(&resource) {
                reading.wrong("extra", format!("{resource} is asked for twice"));
            }
            amounts.limits.insert(resource, quantity.into());
        }
    }
    amounts
}

/// A quantity of CPU or memory.
fn quantity(reading: &mut Reading<'_>, field: &str, said: &str) -> Option<String> {
    let shown: String = said.chars().take(60).collect();
    let is_memory = field.starts_with("memory");
    let example = if is_memory { "512Mi, 1.5Gi or 2G" } else { "0.5, 500m or 2" };
    let Some(text) = Quantity::parse(said).map(|quantity| quantity.text) else {
        reading.wrong(field, format!("{shown:?} is no quantity; expected one such as {example}"));
        return None;
    };
    match quantity_value(&text) {
        Some(value) if value <= 0.0 => reading.wrong(field, "it has to be more than 0"),
        Some(value) if is_memory && value < LEAST_MEMORY => {
            reading.wrong(field, format!("{shown} is less than a mebibyte; is {}Gi meant?", said.trim_end_matches('m')));
        }
        _ => return Some(text),
    }
    None
}

/// A quantity some times over: CPU in thousandths, memory in mebibytes, rounded up.
fn times(quantity: &str, factor: f64, resource: &str) -> String {
    let value = quantity_value(quantity).unwrap_or_default() * factor;
    let (unit, suffix) = if resource == "cpu" { (0.001, "m") } else { (LEAST_MEMORY, "Mi") };
    // What is a whole number but for the last binary digit is one.
    let count = (value / unit - 1e-6).ceil();
    let is_whole = suffix == "m" && count % 1000.0 == 0.0;
    if is_whole { format!("{}", count / 1000.0) } else { format!("{count}{suffix}") }
}

/// How many devices of which kind.
fn devices(reading: &mut Reading<'_>, amounts: &mut Amounts) {
    let offered = &reading.context.choices.gpus.value.vendors;
    let count = match reading.said("gpus") {
        None | Some("none" | "0") => return,
        Some(said) => said,
    };
    if !is_count(count) {
        return reading.wrong("gpus", "devices are counted in whole numbers");
    }
    let device = match reading.said("gpuVendor") {
        None if offered.len() == 1 => offered.first(),
        None => return reading.wrong("gpuVendor", "say of which kind"),
        Some(name) => reading.context.choices.device(name),
    };
    let Some(device) = device else {
        let known: Vec<&str> = offered.iter().map(|device| device.ui_name.as_str()).collect();
        return reading.wrong("gpuVendor", format!("there is no such kind; there are: {}", known.join(", ")));
    };
    amounts.limits.insert(device.limits_key.clone(), count.into());
    amounts.node_selector.clone_from(&device.node_selector);
}

/// What else is asked for: `{"nvidia.com/gpu": 2}`, or fields such as `extra:nvidia.com/gpu`.
fn extra(reading: &mut Reading<'_>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> =
        reading.under("extra:").map(|(resource, said)| (resource.to_owned(), said.to_owned())).collect();
    let Some(said) = reading.said("extra") else { return found };
    match serde_json::from_str::<Map<String, Value>>(said) {
        Ok(object) => found.extend(object.into_iter().map(|(resource, amount)| match amount {
            Value::String(text) => (resource, text),
            other => (resource, other.to_string()),
        })),
        Err(error) => {
            let place =
                if error.line() == 1 { format!("character {}", error.column()) } else { format!("line {}", error.line()) };
            reading.wrong("extra", format!("this is no JSON object such as {{\"nvidia.com/gpu\": 2}} ({place})"));
        }
    }
    found
}

/// A resource other than CPU and memory, and how much of it.
fn further(reading: &mut Reading<'_>, resource: &str, said: &str) -> Option<String> {
    let [shown, amount]: [String; 2] = [resource, said].map(|text| text.chars().take(60).collect());
    if matches!(resource, "cpu" | "memory") {
        reading.wrong("extra", format!("{resource} has a field of its own"));
        return None;
    }
    if !is_resource(resource) {
        reading.wrong("extra", format!("{shown:?} is no resource; expected a name such as nvidia.com/gpu"));
        return None;
    }
    let choices = reading.context.choices;
    if choices.gpus.read_only && choices.device(resource).is_some() && !is_had(reading, resource, said) {
        reading.wrong("extra", format!("how many {resource} there are is decided for all"));
        return None;
    }
    // What a domain adds is counted by devices.
    if resource.contains('/') && !is_count(said) {
        reading.wrong("extra", format!("{shown}: {amount:?} is no whole number"));
        return None;
    }
    let quantity = Quantity::parse(said).map(|quantity| quantity.text);
    if quantity.is_none() {
        reading.wrong("extra", format!("{shown}: {amount:?} is no quantity; expected one such as 2 or 10Gi"));
    }
    quantity
}

/// Whether the notebook has as much of it already.
fn is_had(reading: &Reading<'_>, resource: &str, said: &str) -> bool {
    reading.context.before.is_some_and(|before| super::server(before).1["resources"]["limits"][resource] == said)
}

fn is_count(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_resource(name: &str) -> bool {
    let word = |word: &str, more: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        ends(word.chars().next())
            && ends(word.chars().last())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    match name.split_once('/') {
        Some((domain, name)) => domain.len() <= 200 && word(domain, "-.") && name.len() <= 63 && word(name, "-_."),
        None => name == "ephemeral-storage" || name.strip_prefix("hugepages-").is_some_and(|size| word(size, "")),
    }
}

/// What the form shows of a container's resources.
pub(super) fn typed(resources: &Value) -> Typed {
    let amount = |part: &str, resource: &str| match &resources[part][resource] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let mut typed = Typed::new();
    for (resource, limit) in [("cpu", "cpuLimit"), ("memory", "memoryLimit")] {
        typed.insert(limit.to_owned(), amount("limits", resource).unwrap_or_else(|| "none".to_owned()));
        let request = amount("requests", resource).or_else(|| amount("limits", resource));
        typed.insert(resource.to_owned(), request.unwrap_or_default());
    }
    let all = ["requests", "limits"].iter().filter_map(|part| resources[part].as_object()).flatten();
    let further: Map<String, Value> = all
        .filter(|(name, _)| !matches!(name.as_str(), "cpu" | "memory"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let extra = if further.is_empty() { String::new() } else { json!(further).to_string() };
    typed.insert("extra".to_owned(), extra);
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_round_numbers() {
        for (quantity, factor, resource, expected) in [
            ("0.5", 1.2, "cpu", "600m"),
            ("500m", 2.0, "cpu", "1"),
            ("0.1", 1.2, "cpu", "120m"),
            ("1.0Gi", 1.2, "memory", "1229Mi"),
            ("2G", 1.0, "memory", "1908Mi"),
        ] {
            assert_eq!(times(quantity, factor, resource), expected, "{quantity} {factor}");
        }
    }

    #[test]
    fn resources_have_names() {
        for good in ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "ephemeral-storage", "hugepages-2Mi", "habana.ai/gaudi"] {
            assert!(is_resource(good), "{good}");
        }
        for bad in ["", "gpu", "/gpu", "a/", "a b/c", "a/b/c", "<script>/x", "a/-b", "hugepages-", "nvidia.com/gpu\n"] {
            assert!(!is_resource(bad), "{bad}");
        }
    }
}
