//! Work on many things at once, on all processors.

use std::sync::Mutex;
use std::thread::Builder;

use super::process::STACK;

/// A thread is worth its while for so many things, or more.
const SHARE: usize = 16;

/// What the work makes of each thing, in the order of the things. Few of them are done one after the other.
pub fn map<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(things.len() / SHARE);
    if threads < 2 {
        return things.into_iter().map(work).collect();
    }
    let waiting = Mutex::new(things.into_iter().enumerate());
    let work_off = || {
        let mut done = Vec::new();
        // the lock is held for as long as it takes to get a thing
        while let Some((at, thing)) = { waiting.lock().ok().and_then(|mut waiting| waiting.next()) } {
            done.push((at, work(thing)));
        }
        done
    };
    let mut all = std::thread::scope(|scope| {
        let helpers: Vec<_> =
            (1..threads).filter_map(|_| Builder::new().stack_size(STACK).spawn_scoped(scope, work_off).ok()).collect();
        let mut all = work_off();
        for helper in helpers {
            all.append(&mut helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn the_order_is_that_of_the_things() {
        for many in [0, 1, 15, 40, 1000] {
            let expected: Vec<usize> = (0..many).map(|thing| thing * 2).collect();
            assert_eq!(map((0..many).collect(), |thing: usize| thing * 2), expected);
        }
    }
}
