//! What every target begins with.

use std::ptr;

/// What libFuzzer's handler takes, and more.
const STACK_BYTES: usize = 1 << 20;

/// Lets libFuzzer keep the input on which a stack overflows, as it does with other faults.
///
/// Its handler of SIGSEGV would run on the stack that is full, and the process would end without a word: address sanitizers provide another
/// one, and there is none here.
pub fn keep_overflowing_inputs() {
    let stack = Box::leak(vec![0_u8; STACK_BYTES].into_boxed_slice());
    let alternate = libc::stack_t {
        ss_sp: stack.as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: STACK_BYTES,
    };
    // SAFETY: the memory is never freed; zeros are a valid `sigaction`, one with the default handler. libFuzzer puts its own in that place and
    // keeps the flag.
    let set = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_flags = libc::SA_ONSTACK;
        libc::sigaltstack(&raw const alternate, ptr::null_mut())
            | libc::sigaction(libc::SIGSEGV, &raw const action, ptr::null_mut())
    };
    assert_eq!(set, 0, "no stack for the handler of SIGSEGV");
}
