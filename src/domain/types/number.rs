//! A number as text: exactly the digits that are written.

/// A number in digits: `0.d₁d₂d₃… × 10ⁿ`.
#[derive(Debug, Clone)]
pub struct Number {
    negative: bool,
    /// Without zeros at either end.
    digits: String,
    exponent: i64,
    /// How many digits are written, zeros in front left out.
    written: usize,
}

impl Number {
    /// Reads a plain number, with or without a fraction and an exponent.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = all.trim_start_matches('0');
        let zeros = i64::try_from(all.len() - significant.len()).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        let exponent = i64::try_from(whole.len()).ok()? - zeros + i64::from(exponent);
        Some(Self { negative: negative && !digits.is_empty(), digits, exponent, written: significant.len() })
    }

    /// How many digits behind the point it needs.
    pub fn scale(&self) -> i64 {
        let digits = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        if digits == 0 { 0 } else { (digits - self.exponent).max(0) }
    }

    /// Whether it is 0 or 1.
    pub fn is_zero_or_one(&self) -> bool {
        self.digits.is_empty() || (!self.negative && self.digits == "1" && self.exponent == 1)
    }

    /// Whether a number in floating point says all of its digits: printed with as many, or as short as it can be told from
    /// others, it is the same. (Halfway between two numbers of as many digits, the two differ; zeros at the end are digits
    /// that only the first says.)
    pub fn is_float(&self, precision: u32) -> bool {
        let text = format!("{}0.{}e{}", if self.negative { "-" } else { "" }, self.digits, self.exponent);
        let behind = self.written.saturating_sub(1);
        let printed = match precision > 24 {
            true => text.parse::<f64>().map(|value| [format!("{value:.behind$e}"), format!("{value:e}")]),
            false => text.parse::<f32>().map(|value| [format!("{value:.behind$e}"), format!("{value:e}")]),
        };
        let is_same = |text: &String| {
            Self::parse(text).is_some_and(|it| (&it.digits, it.exponent) == (&self.digits, self.exponent))
        };
        let ways = if self.digits.len() == self.written { 2 } else { 1 };
        self.digits.is_empty() || printed.is_ok_and(|printed| printed.iter().take(ways).any(is_same))
    }
}
