//! Dead letters that are listed, delivered after all, and struck off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bus::Bus;
use export::letters::{Fate, Filter, Letter, LetterId, Letters, Sender, Sent};
use schemas::Signal;

use crate::support::backend::{Answer, Backend, http};
use crate::support::telemetry::{count, ids, spans};
use crate::support::{QUICK, Running, all_committed, config, open_bus, publish, topics};

fn open(bus: &Arc<dyn Bus>) -> Letters {
    Letters::open(bus.clone(), &topics(), None).unwrap()
}

/// What a filter finds, and their values.
fn found(bus: &Arc<dyn Bus>, filter: &Filter) -> Vec<(Letter, Vec<u64>)> {
    let mut found = Vec::new();
    let each = |letters: &mut Letters, letter: Letter| {
        let value = letters.value_of(&letter)?.unwrap();
        found.push((letter, ids(&value)));
        Ok(true)
    };
    open(bus).each(filter, each).unwrap();
    found
}

fn of_backend(name: &str) -> Filter {
    Filter {
        backend: Some(name.to_owned()),
        ..Filter::default()
    }
}

/// Odd spans are refused until the backend is repaired; then they are delivered, once, and to nobody else.
#[test]
fn what_was_refused_is_delivered_after_the_repair() {
    let repaired = Arc::new(AtomicBool::new(false));
    let own = repaired.clone();
    let backend = Backend::start(move |received| {
        let odd = ids(&received.body).iter().any(|id| id % 2 == 1);
        match odd && !own.load(Ordering::SeqCst) {
            true => http(413),
            false => Answer::Accept,
        }
    });
    let other = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let named = |name: &str, backend: &Backend| {
        format!(
            "{{name: {name}, otlp_http: {{endpoint: 'http://{}'}}, {QUICK}}}",
            backend.address
        )
    };
    let backends = [named("repaired", &backend), named("bystander", &other)];
    for record in 0..10 {
        let ids = 4 * record..4 * record + 4;
        publish(&*bus, Signal::Traces, (record % 2) as u32, [spans(ids, 0)]);
    }
    let running = Running::start(&bus, &backends);
    all_committed(&*bus, "repaired", Signal::Traces);
    all_committed(&*bus, "bystander", Signal::Traces);
    running.stop();

    let all = found(&bus, &Filter::default());
    assert_eq!(all.len(), 10, "one letter a record");
    let odd = || (0..40).filter(|id| id % 2 == 1);
    assert_eq!(
        count(all.iter().flat_map(|(_, ids)| ids.clone())),
        count(odd())
    );
    assert_eq!(found(&bus, &of_backend("repaired")).len(), 10);
    assert_eq!(found(&bus, &of_backend("bystander")).len(), 0);
    let by_reason = |reason: &str| Filter {
        reason: Some(reason.to_owned()),
        ..Filter::default()
    };
    assert_eq!(found(&bus, &by_reason("payload TOO large")).len(), 10);
    assert_eq!(found(&bus, &by_reason("too small")).len(), 0);

    let sender = Sender::new(&config(&backends).backends[0]).unwrap();
    let deliver = |letters: &mut Letters, letter: Letter| -> anyhow::Result<Sent> {
        let value = letters.value_of(&letter)?.unwrap();
        Ok(sender.send(Signal::Traces, &letter, value))
    };
    let mut refused = 0;
    let each = |letters: &mut Letters, letter: Letter| {
        refused += usize::from(matches!(deliver(letters, letter)?, Sent::Refused(_)));
        Ok(true)
    };
    open(&bus).each(&of_backend("repaired"), each).unwrap();
    assert_eq!(refused, 10, "it is broken still");
    assert_eq!(found(&bus, &Filter::default()).len(), 10);

    repaired.store(true, Ordering::SeqCst);
    let others = other.received().len();
    // Killed after the fourth was accepted, before that was noted.
    let mut sent = 0;
    let each = |letters: &mut Letters, letter: Letter| {
        let id = letter.id;
        assert!(matches!(deliver(letters, letter)?, Sent::Delivered { .. }));
        sent += 1;
        if sent == 4 {
            return Ok(false);
        }
        letters.settle(&[id], Fate::Delivered)?;
        Ok(true)
    };
    open(&bus).each(&of_backend("repaired"), each).unwrap();
    assert_eq!(found(&bus, &Filter::default()).len(), 7);
    let each = |letters: &mut Letters, letter: Letter| {
        let id = letter.id;
        assert!(matches!(deliver(letters, letter)?, Sent::Delivered { .. }));
        letters.settle(&[id], Fate::Delivered)?;
        Ok(true)
    };
    open(&bus).each(&of_backend("repaired"), each).unwrap();
    assert_eq!(found(&bus, &Filter::default()).len(), 0);
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted.len(), 40);
    let twice = accepted.values().filter(|times| **times > 1).count();
    assert_eq!(twice, 2, "one letter, of two spans");
    assert_eq!(other.received().len(), others);
}

/// A letter of which a part can't be transformed isn't delivered in part: it stays, whole.
#[test]
fn a_letter_that_cannot_be_transformed_stays() {
    let backend = Backend::start(|received| match received.path.as_str() {
        "/v1/traces" => http(400),
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans([8, 9], 0)]);
    let line = |transform: &str| {
        format!(
            "{{name: untransformed, signals: [traces], otlp_http: {{endpoint: 'http://{}'}}, transform: ['{transform}'], {QUICK}}}",
            backend.address
        )
    };
    let fine = line(r#"set(span.attributes["a"], 1)"#);
    let running = Running::start(&bus, std::slice::from_ref(&fine));
    all_committed(&*bus, "untransformed", Signal::Traces);
    running.stop();
    let fails =
        line(r#"set(span.attributes["a"], ParseJSON(span.name)) where span.name == "span 9""#);
    for (line, why) in [(fine, "400"), (fails, "statement of `transform`")] {
        let sender = Sender::new(&config(&[line]).backends[0]).unwrap();
        let before = backend.received().len();
        let each = |letters: &mut Letters, letter: Letter| {
            let value = letters.value_of(&letter)?.unwrap();
            match sender.send(Signal::Traces, &letter, value) {
                Sent::Refused(reason) => assert!(reason.contains(why), "{reason}"),
                other => panic!("{other:?}"),
            }
            Ok(true)
        };
        open(&bus).each(&Filter::default(), each).unwrap();
        let offered = backend.received().len() > before;
        assert_eq!(
            offered,
            why == "400",
            "nothing of it is sent when a part can't be"
        );
    }
}

/// Exactly what is named is struck off, and stays so for the next who reads.
#[test]
fn what_is_purged_is_gone_and_nothing_else() {
    let backend = Backend::start(|_| http(400));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    for id in 0..6 {
        publish(&*bus, Signal::Traces, (id % 2) as u32, [spans([id], 0)]);
    }
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: purged, otlp_http: {{endpoint: 'http://{}'}}, {QUICK}}}",
            backend.address
        )],
    );
    all_committed(&*bus, "purged", Signal::Traces);
    running.stop();
    let letters = found(&bus, &Filter::default());
    let id = |span: u64| letters.iter().find(|(_, ids)| *ids == [span]).unwrap().0.id;
    open(&bus)
        .settle(&[id(1), id(4), id(5)], Fate::Purged)
        .unwrap();
    let left = found(&bus, &Filter::default());
    let left = count(left.into_iter().flat_map(|(_, ids)| ids));
    assert_eq!(left, count([0, 2, 3]));
    let chosen = Filter {
        ids: vec![id(1), id(2)],
        ..Filter::default()
    };
    assert_eq!(found(&bus, &chosen).len(), 1);
    let time = letters[0].0.time_ms;
    let older = Filter {
        before_ms: Some(time),
        ..Filter::default()
    };
    assert!(
        found(&bus, &older)
            .iter()
            .all(|(letter, _)| letter.time_ms < time)
    );
    assert_eq!("1/7".parse::<LetterId>().unwrap().to_string(), "1/7");
    assert!("17".parse::<LetterId>().is_err());
}
