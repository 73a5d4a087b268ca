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

    /// What is left of `whole` without `part`, in the coarsest unit of the two in which that is a whole number; `None` where one is no
    /// quantity.
    #[must_use]
    pub fn difference(whole: &str, part: &str) -> Option<String> {
        let left = nanos(whole)? - nanos(part)?;
        let unit = [suffix(whole), suffix(part), "", "m", "n"]
            .into_iter()
            .find(|unit| unit_nanos(unit).is_some_and(|size| left % size == 0))?;
        Some(format!("{}{unit}", left / unit_nanos(unit)?))
    }
}

fn suffix(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))
}

/// A unit in billionths: the finest that Kubernetes counts.
fn unit_nanos(suffix: &str) -> Option<i128> {
    let power = |base: i128, letters: &str, letter: &str| Some(base.pow(u32::try_from(letters.find(letter)?).ok()? + 1));
    let units = 1_000_000_000;
    match suffix {
        "n" => Some(1),
        "u" => Some(1_000),
        "m" => Some(1_000_000),
        "" => Some(units),
        _ if suffix.len() == 2 && suffix.ends_with('i') => Some(units * power(1024, "KMGTPE", &suffix[..1])?),
        _ if suffix.len() == 1 => Some(units * power(1000, "kMGTPE", suffix)?),
        _ => None,
    }
}

/// A quantity in billionths, rounded up as Kubernetes does.
fn nanos(text: &str) -> Option<i128> {
    if !is_quantity(text) {
        return None;
    }
    let text = text.trim_start_matches('+');
    let suffix = suffix(text);
    let (number, mut size) = (&text[..text.len() - suffix.len()], unit_nanos(suffix));
    if size.is_none() {
        // An exponent.
        let power: i32 = suffix.get(1..)?.parse().ok()?;
        size = 10_i128.checked_pow(u32::try_from(power.checked_add(9)?).ok()?);
    }
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let digits: i128 = format!("{integer}{fraction}").parse().ok()?;
    Some(digits.checked_mul(size?)?.div_euclid(scale) + i128::from(digits.checked_mul(size?)?.rem_euclid(scale) != 0))
}

/// The number that a quantity of the server means.
#[must_use]
pub fn value(text: &str) -> Option<f64> {
    if !is_quantity(text) {
        return None;
    }
    let number = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(number);
    let digits: f64 = digits.parse().ok()?;
    let power = |of: &str, letters: &str| letters.find(of).and_then(|place| i32::try_from(place + 1).ok());
    Some(match suffix.strip_suffix('i') {
        Some(binary) => digits * 1024_f64.powi(power(binary, "KMGTPE")?),
        None => match suffix {
            "" => digits,
            "n" => digits / 1e9,
            "u" => digits / 1e6,
            "m" => digits / 1e3,
            decimal if decimal.len() == 1 => digits * 1000_f64.powi(power(decimal, "kMGTPE")?),
            exponent => digits * 10_f64.powi(exponent[1..].parse().ok()?),
        },
    })
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
    fn knows_what_they_mean() {
        let cases = [
            ("2", 2.0),
            ("1500m", 1.5),
            ("1Ki", 1024.0),
            ("2Gi", 2_147_483_648.0),
            ("1k", 1000.0),
            ("1e3", 1000.0),
            ("1E", 1e18),
        ];
        for (text, meant) in cases {
            assert!(value(text).is_some_and(|value| (value - meant).abs() < 1e-9), "{text}: {:?}", value(text));
        }
        assert_eq!(value("lots"), None);
    }

    #[test]
    fn what_is_left_has_a_unit_that_reads_well() {
        for (whole, part, left) in [
            ("32", "500m", "31500m"),
            ("32", "0", "32"),
            ("128Gi", "28Gi", "100Gi"),
            ("128Gi", "512Mi", "130560Mi"),
            ("1Ti", "0", "1Ti"),
            ("1T", "1Gi", "998926258176"),
            ("1.5", "1", "500m"),
            ("1e3", "1", "999"),
            ("1E", "1", "999999999999999999"),
            ("4", "5", "-1"),
            ("0", "100n", "-100n"),
        ] {
            assert_eq!(Quantity::difference(whole, part).as_deref(), Some(left), "{whole} - {part}");
        }
        for (whole, part) in [("?", "1"), ("1", ""), ("1e99", "1"), (&"9".repeat(39), "1")] {
            assert_eq!(Quantity::difference(whole, part), None, "{whole} - {part}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for bad in ["", "-1", "lots", "1.2.3", "1 Gi", "Gi", ".", "1Zi", "1e", "1e9999", "b", "1Tbb", "64mb", "NaN"] {
            assert_eq!(Quantity::parse(bad), None, "{bad}");
        }
    }
}
