//! Which part of an expanded text came from where.

use serde::{Deserialize, Serialize};

use super::super::sql::Span;

/// Leads from an expanded text back to the text that was expanded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Map {
    segments: Vec<Segment>,
}

/// A stretch of expanded text of one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    /// Where it stands in the expanded text.
    expanded: Span,
    /// Where it came from.
    original: Span,
    /// Whether it was copied byte for byte, rather than produced by a call.
    copied: bool,
}

impl Map {
    /// The place in the original text of a range of the expanded one. What a call produced leads to the call.
    pub fn original(&self, range: &Span) -> Span {
        let start = self.origin(range.start).start;
        let end = if range.end > range.start { self.origin(range.end - 1).end } else { start };
        start..end.max(start)
    }

    /// The origin of one byte.
    fn origin(&self, at: usize) -> Span {
        let index = self.segments.partition_point(|segment| segment.expanded.end <= at);
        match self.segments.get(index) {
            Some(segment) if segment.copied => {
                let at = segment.original.start + at.saturating_sub(segment.expanded.start);
                at..at + 1
            }
            Some(segment) => segment.original.clone(),
            None => self.segments.last().map_or(0..0, |last| last.original.end..last.original.end),
        }
    }

    /// The map that leads through this one and then through `earlier`.
    pub(super) fn after(self, earlier: &Map) -> Map {
        let mut map = Map::default();
        for segment in self.segments {
            if !segment.copied {
                map.push(segment.expanded.len(), earlier.original(&segment.original), false);
                continue;
            }
            let first = earlier.segments.partition_point(|before| before.expanded.end <= segment.original.start);
            for before in &earlier.segments[first..] {
                let start = before.expanded.start.max(segment.original.start);
                let end = before.expanded.end.min(segment.original.end);
                if start >= end {
                    break;
                }
                let offset = before.original.start + (start - before.expanded.start);
                let original = if before.copied { offset..offset + (end - start) } else { before.original.clone() };
                map.push(end - start, original, before.copied);
            }
        }
        map
    }

    /// Adds what follows.
    pub(super) fn push(&mut self, length: usize, original: Span, copied: bool) {
        if length > 0 {
            let start = self.segments.last().map_or(0, |last| last.expanded.end);
            self.segments.push(Segment { expanded: start..start + length, original, copied });
        }
    }

    /// Adds the map of a text that stands at `start` of the same original.
    pub(super) fn extend(&mut self, other: Self, start: usize) {
        for Segment { expanded, original, copied } in other.segments {
            self.push(expanded.len(), start + original.start..start + original.end, copied);
        }
    }

    /// Takes one byte out, near the end.
    pub(super) fn remove(&mut self, at: usize) {
        let Some(index) = self.segments.iter().rposition(|segment| segment.expanded.contains(&at)) else { return };
        let tail: Vec<Segment> = self.segments.drain(index..).collect();
        for segment in tail {
            if !segment.expanded.contains(&at) {
                self.push(segment.expanded.len(), segment.original, segment.copied);
                continue;
            }
            let before = at - segment.expanded.start;
            let after = segment.expanded.end - at - 1;
            let original = segment.original;
            if segment.copied {
                self.push(before, original.start..original.start + before, true);
                self.push(after, original.start + before + 1..original.end, true);
            } else {
                self.push(before + after, original, false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_led_back() {
        let mut map = Map::default();
        map.push(4, 0..4, true);
        map.push(10, 4..6, false);
        map.push(4, 6..10, true);
        assert_eq!(map.original(&(1..3)), 1..3);
        assert_eq!(map.original(&(6..8)), 4..6);
        assert_eq!(map.original(&(3..15)), 3..7);
        assert_eq!(map.original(&(18..19)), 10..10);
        map.remove(1);
        assert_eq!(map.original(&(1..2)), 2..3);
        assert_eq!(map.original(&(13..14)), 6..7);
    }
}
