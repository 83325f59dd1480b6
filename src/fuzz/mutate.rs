//! Inputs made of the corpus: cut, doubled, nested, repeated, with tokens in and out of place.

use super::corpus::{BRACKETS, ODD, TOKENS};
use super::targets::Target;

/// Inputs are not made longer than this.
const LONGEST: usize = 400_000;

/// SplitMix64: small, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`; 0 of none.
    fn below(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { usize::try_from(self.next() % count as u64).unwrap() }
    }

    fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// Often small, sometimes large.
    fn times(&mut self) -> usize {
        match self.below(10) {
            0 => self.below(50_000),
            1 | 2 => self.below(2_000),
            3..6 => self.below(120),
            _ => 1 + self.below(5),
        }
    }
}

/// The input of this number.
pub(super) fn input(target: &'static Target, number: u64) -> String {
    let mut random = Random::new(
        number ^ u64::from_le_bytes(blake3::hash(target.name.as_bytes()).as_bytes()[..8].try_into().unwrap()),
    );
    let corpus = target.corpus();
    let mut text = corpus[random.below(corpus.len())].clone();
    for _ in 0..1 + random.below(6) {
        text = mutated(&text, corpus, &mut random);
        if text.len() > LONGEST {
            text.truncate(boundary(&text, LONGEST));
        }
    }
    text
}

fn mutated(text: &str, corpus: &[String], random: &mut Random) -> String {
    let (from, to) = range(text, random);
    let (head, middle, tail) = (&text[..from], &text[from..to], &text[to..]);
    match random.below(14) {
        0 => head.to_owned(),
        1 => format!("{head}{tail}"),
        2 => format!("{head}{middle}{middle}{tail}"),
        3 => format!("{head}{}{tail}", repeated(middle, random.times())),
        4 => {
            let (open, close) = BRACKETS[random.below(BRACKETS.len())];
            let times = random.times();
            format!("{head}{}{middle}{}{tail}", repeated(open, times), repeated(close, times))
        }
        5 => {
            let (open, _) = BRACKETS[random.below(BRACKETS.len())];
            format!("{head}{}{middle}{tail}", repeated(open, random.times()))
        }
        6 | 7 => format!("{head}{}{middle}{tail}", random.of(TOKENS)),
        8 => format!("{head}{}{tail}", random.of(TOKENS)),
        9 => {
            let other = &corpus[random.below(corpus.len())];
            let (from, to) = range(other, random);
            format!("{head}{}{tail}", &other[from..to])
        }
        10 => format!("{head}{}{middle}{tail}", random.of(ODD)),
        11 => format!("{head} {}{tail}", repeated(&format!("{} ", random.of(TOKENS)), random.times())),
        12 => format!("{tail}{middle}{head}"),
        _ => format!("{head}{}{tail}", swapped_case(middle)),
    }
}

fn repeated(text: &str, times: usize) -> String {
    text.repeat(times.min(LONGEST / text.len().max(1)))
}

fn swapped_case(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

/// A piece of a text: mostly whole words, sometimes any characters.
fn range(text: &str, random: &mut Random) -> (usize, usize) {
    let mut from = boundary(text, random.below(text.len() + 1));
    let length = match random.below(3) {
        0 => random.below(text.len() + 1),
        _ => random.below(12),
    };
    let mut to = boundary(text, (from + length).min(text.len())).max(from);
    if random.below(3) > 0 {
        let is_inside = |at: usize| text[at..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        while from > 0 && is_inside(from) && is_inside(boundary(text, from - 1)) {
            from = boundary(text, from - 1);
        }
        while to < text.len() && is_inside(to) {
            to += text[to..].chars().next().map_or(1, char::len_utf8);
        }
    }
    (from, to)
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
