//! A source that answers as scripted: short lives, refreshes that fail, refusals in between.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::token::Token;

/// Hands out tokens `0`, `1`, …
struct Source {
    life: Mutex<Duration>,
    fails: AtomicBool,
    /// Hands out the same one again.
    repeats: AtomicBool,
    asked: AtomicU64,
}

impl Source {
    fn new(life: Duration) -> Arc<Self> {
        Arc::new(Self {
            life: Mutex::new(life),
            fails: AtomicBool::new(false),
            repeats: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        })
    }

    fn fetch(&self) -> Result<Token, String> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err("the provider is down".to_owned());
        }
        let life = *self.life.lock().expect("a life");
        let number = if self.repeats.load(Ordering::SeqCst) {
            0
        } else {
            number
        };
        // Repeated means equal.
        let expires = match self.repeats.load(Ordering::SeqCst) {
            true => SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 34),
            false => SystemTime::now() + life,
        };
        Ok(Token {
            value: number.to_string(),
            principal: String::new(),
            expires,
        })
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn kept(self: &Arc<Self>) -> Kept<Token> {
        let own = self.clone();
        Kept::start("test".to_owned(), move || own.fetch(), |_| ()).expect("a thread")
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(work)
}

/// Waits for the event, with a deadline.
async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happened() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_token_is_replaced_before_its_end() {
    block_on(async {
        let source = Source::new(Duration::from_millis(1500));
        let kept = source.kept();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut last = String::new();
        while last != "3" {
            let held = kept.current().await.expect("there is one at any time");
            assert!(held.value.expires > SystemTime::now());
            last = held.value.value;
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn the_old_one_is_used_while_there_is_no_new_one_and_not_beyond_its_end() {
    block_on(async {
        let source = Source::new(Duration::from_secs(2));
        let kept = source.kept();
        let first = kept.current().await.expect("a token").value;
        source.fails.store(true, Ordering::SeqCst);
        until("a refresh fails", || source.asked() > 1).await;
        if SystemTime::now() < first.expires {
            let held = kept.current().await;
            // It may have ended between the two lines.
            if let Ok(held) = held {
                assert_eq!(held.value.value, "0");
            }
        }
        until("it ends", || SystemTime::now() >= first.expires).await;
        let why = kept.current().await.expect_err("it is over");
        assert_eq!(why, "the provider is down");
        source.fails.store(false, Ordering::SeqCst);
        let asked = source.asked();
        until("it is asked again", || source.asked() > asked).await;
        let deadline = Instant::now() + Duration::from_secs(10);
        while kept.current().await.is_err() {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn a_refusal_makes_it_ask_once_for_all_who_were_refused() {
    block_on(async {
        let source = Source::new(HOUR);
        let kept = source.kept();
        let first = kept.current().await.expect("a token");
        let (one, other) = tokio::join!(kept.refused(&first), kept.refused(&first));
        assert!(one && other, "there is another one");
        assert_eq!(source.asked(), 2);
        let second = kept.current().await.expect("a token");
        assert_eq!(second.value.value, "1");
        // A latecomer that was refused with the first.
        assert!(kept.refused(&first).await);
        // The second was asked for because of a refusal: it is no use to go on like this.
        assert!(!kept.refused(&second).await);
        assert_eq!(source.asked(), 2, "asked at most every five seconds");
        // Later there is a third, for the next probe; still it isn't worth another try at once.
        kept.state.send_modify(|state| state.refused_at = None);
        assert!(!kept.refused(&second).await);
        assert_eq!(source.asked(), 3);
        assert_eq!(kept.current().await.expect("a token").value.value, "2");
    });
}

#[test]
fn who_has_no_other_one_says_so_and_keeps_it() {
    block_on(async {
        let source = Source::new(HOUR);
        source.repeats.store(true, Ordering::SeqCst);
        let kept = source.kept();
        let first = kept.current().await.expect("a token");
        assert!(!kept.refused(&first).await);
        assert_eq!(source.asked(), 2);
        source.fails.store(true, Ordering::SeqCst);
        assert_eq!(kept.current().await.expect("still").value, first.value);
    });
}

#[test]
fn what_has_expired_already_is_none() {
    block_on(async {
        let source = Source::new(Duration::ZERO);
        let why = source.kept().current().await.expect_err("expired");
        assert!(why.contains("compare the clocks"), "{why}");
    });
}

#[test]
fn its_thread_ends_with_it() {
    let source = Source::new(HOUR);
    let kept = source.kept();
    block_on(kept.current()).expect("a token");
    drop(kept);
    block_on(until("the thread drops its source", || {
        Arc::strong_count(&source) == 1
    }));
}
