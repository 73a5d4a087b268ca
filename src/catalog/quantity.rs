//! Quantities as Kubernetes writes them, and the spellings people use instead.

/// A quantity that Kubernetes takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The text as Kubernetes reads it.
    pub text: String,
    /// What was changed to get there.
    pub note: Option<String>,
}

const SUFFIXES: [&str; 16] = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

impl Quantity {
    /// Takes `100`, `500m`, `1.5Gi`, `1e3`; and `1Tb`, `64GB`, `10K` for `1T`, `64G`, `10k`. Nothing negative.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if is_quantity(text) {
            return Some(Self { text: text.to_owned(), note: None });
        }
        // The seed of this project writes 1Tb; people write 64GB and 10K. Each can mean one thing only; 64mb could be 64M
        // or a thousandth of 64, so it is refused.
        let shorter = text.strip_suffix(['b', 'B']).unwrap_or(text);
        if shorter != text && shorter.ends_with(['n', 'u', 'm']) {
            return None;
        }
        let meant = match shorter.strip_suffix(['K', 'k']) {
            Some(number) => format!("{number}k"),
            None => shorter.to_owned(),
        };
        is_quantity(&meant).then(|| Self { note: Some(format!("{text} is taken as {meant}")), text: meant })
    }
}

fn is_quantity(text: &str) -> bool {
    let text = text.strip_prefix('+').unwrap_or(text);
    let number = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, suffix) = text.split_at(number);
    let exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|power| {
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        !power.is_empty() && power.len() <= 3 && power.chars().all(|c| c.is_ascii_digit())
    });
    digits.matches('.').count() <= 1
        && digits.chars().any(|c| c.is_ascii_digit())
        && digits.len() <= 40
        && (exponent || SUFFIXES.contains(&suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_kubernetes_takes() {
        for good in ["0", "100", "+5", "500m", "0.5", ".5", "1.5Gi", "64Mi", "1T", "1e3", "1E-2", "1E"] {
            assert_eq!(Quantity::parse(good).map(|q| (q.text, q.note)), Some((good.to_owned(), None)), "{good}");
        }
    }

    #[test]
    fn takes_what_people_write_and_says_so() {
        for (written, meant) in [("1Tb", "1T"), ("64GB", "64G"), ("512MiB", "512Mi"), ("10K", "10k"), ("10KB", "10k")] {
            let quantity = Quantity::parse(written).unwrap();
            assert_eq!(quantity.text, meant);
            assert_eq!(quantity.note, Some(format!("{written} is taken as {meant}")));
        }
    }

    #[test]
    fn refuses_the_rest() {
        for bad in ["", "-1", "lots", "1.2.3", "1 Gi", "Gi", ".", "1Zi", "1e", "1e9999", "b", "1Tbb", "64mb", "NaN"] {
            assert_eq!(Quantity::parse(bad), None, "{bad}");
        }
    }
}
