//! How often each user may ask: many at once, fewer for long; and how much of theirs may be under way at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::serving::lock;

/// Requests at once.
const BURST: f64 = 60.0;
/// Requests in a second, for long.
const STEADY: f64 = 20.0;
/// Users that are kept in mind before those who have been quiet are forgotten.
const KEPT: usize = 10_000;

/// What is left to each.
#[derive(Debug, Default)]
pub(super) struct Rate(Mutex<HashMap<String, (f64, Instant)>>);

impl Rate {
    /// Counts a request; an error says how long to wait.
    pub(super) fn count(&self, user: &str) -> Result<(), Duration> {
        self.count_at(user, Instant::now())
    }

    fn count_at(&self, user: &str, now: Instant) -> Result<(), Duration> {
        let mut left = lock(&self.0);
        let since = |at: Instant| now.saturating_duration_since(at).as_secs_f64();
        if left.len() >= KEPT {
            left.retain(|_, (left, at)| *left + since(*at) * STEADY < BURST);
        }
        let entry = left.entry(user.to_owned()).or_insert((BURST, now));
        let now_left = since(entry.1).mul_add(STEADY, entry.0).min(BURST);
        *entry = (now_left, now);
        if now_left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - now_left) / STEADY));
        }
        entry.0 -= 1.0;
        Ok(())
    }
}

/// How many of something each user may have at the same time, and who has how many.
#[derive(Debug, Clone)]
pub(super) struct Places {
    most: usize,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// Takes a place, if the user has one left.
    pub(super) fn take(&self, user: &str) -> Option<Place> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(user.to_owned()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { taken: Arc::clone(&self.taken), user: user.to_owned() })
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    taken: Arc<Mutex<HashMap<String, usize>>>,
    user: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_waits_and_nobody_else_does() {
        let (rate, start) = (Rate::default(), Instant::now());
        let counted = (0..100).filter(|_| rate.count_at("eve", start).is_ok()).count();
        assert_eq!(counted, 60);
        assert!(rate.count_at("eve", start).unwrap_err() <= Duration::from_millis(50));
        assert!(rate.count_at("jane", start).is_ok());
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| rate.count_at("eve", later).is_ok()).count(), 20);
    }

    #[test]
    fn nobody_takes_all_places() {
        let places = Places::new(12);
        let mut eves: Vec<Place> = (0..20).filter_map(|_| places.take("eve")).collect();
        assert_eq!(eves.len(), 12);
        let jane = places.take("jane");
        assert!(jane.is_some() && places.take("eve").is_none());
        eves.pop();
        eves.extend(places.take("eve"));
        assert!(eves.len() == 12 && places.take("eve").is_none());
        drop(jane);
        assert!(!lock(&places.taken).contains_key("jane"));
    }
}
