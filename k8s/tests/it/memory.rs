//! What 10,000 pods take: at most 25 MB.

#![allow(unsafe_code)] // An allocator that counts: nothing else tells what an index takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use k8s::{Index, decode, encode};

use super::{live, pod};

struct Counting;

thread_local! {
    /// Of this thread alone, since tests run beside each other.
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let _ = BYTES.try_with(|counted| counted.set(counted.get() + bytes));
}

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn ten_thousand_pods_take_25_mb_at_most() {
    let before = BYTES.get();
    let mut index = Index::new();
    for number in 0..10_000 {
        // As they come from the bus.
        for entry in decode(&encode(&[live(pod(number))])).unwrap() {
            assert!(index.apply(entry));
        }
    }
    let bytes = BYTES.get() - before;
    println!("10,000 pods take {bytes} bytes");
    assert_eq!(index.pods(), (10_000, 0));
    assert!((5_000_000..=25_000_000).contains(&bytes), "{bytes}");
    drop(index);
    let left = BYTES.get() - before;
    assert!(left < 1_000, "{left} bytes are left");
}
