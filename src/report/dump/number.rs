//! Numbers as C's printf(3) writes them.

use crate::model::Micros;

/// Digits that `%g` keeps.
const SIGNIFICANT: i32 = 6;

/// A span in seconds with six digits after the point (`%f`).
pub(super) fn seconds(span: Micros) -> String {
    format!("{}.{:06}", span.0 / 1_000_000, span.0 % 1_000_000)
}

/// A span in whole seconds, rounded down.
pub(super) fn whole_seconds(span: Micros) -> u64 {
    span.0 / 1_000_000
}

/// A span in seconds with three digits after the point, without them where they are zeros.
pub(super) fn short_seconds(span: Micros) -> String {
    match span.0 % 1_000_000 {
        0 => whole_seconds(span).to_string(),
        rest => format!("{}.{:03}", whole_seconds(span), rest / 1000),
    }
}

/// A number with up to six significant digits and no zeros at the end (`%g`).
pub(super) fn general(value: f64) -> String {
    let scientific = format!("{value:.*e}", (SIGNIFICANT - 1) as usize);
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..SIGNIFICANT).contains(&exponent) => {
            let decimals = (SIGNIFICANT - 1 - exponent).max(0) as usize;
            trim(&format!("{value:.decimals$}")).to_owned()
        }
        Ok(exponent) => format!("{}e{exponent:+03}", trim(digits)),
        // Not a number, or endless.
        Err(_) => scientific,
    }
}

/// Without zeros at the end of the fraction.
fn trim(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_printf_writes_them() {
        let cases = [
            (0.0, "0"),
            (0.5, "0.5"),
            (1.0, "1"),
            (0.001, "0.001"),
            (0.00001, "1e-05"),
            (1000.0, "1000"),
            (123_456.7, "123457"),
            (1_234_567.0, "1.23457e+06"),
            (999_999.9, "1e+06"),
            (4_294.967_295, "4294.97"),
        ];
        for (value, text) in cases {
            assert_eq!(general(value), text, "{value}");
        }
    }

    #[test]
    fn spans_keep_their_digits() {
        assert_eq!(seconds(Micros(1_500_001)), "1.500001");
        assert_eq!(short_seconds(Micros(1_500_000)), "1.500");
        assert_eq!(short_seconds(Micros(2_000_000)), "2");
    }
}
