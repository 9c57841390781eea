//! Regular expressions of Perl's kind (PCRE2), with bounds on what a match may cost.
//!
//! Compiles patterns and looks for one match in a slice. What is looked at, and when, is the caller's affair.

use std::ffi::c_int;
use std::fmt;
use std::ptr::{self, NonNull};

use pcre2_sys as sys;

/// Steps that one place of the text may cost (`PCRE2_ERROR_MATCHLIMIT` beyond).
const MATCH_LIMIT: u32 = 1_000_000;
/// KiB that one match may take from the heap.
const HEAP_LIMIT: u32 = 4096;

/// The words of `regex_options`.
const OPTIONS: [(&str, u32); 24] = [
    ("allow_empty_class", sys::PCRE2_ALLOW_EMPTY_CLASS),
    ("alt_bsux", sys::PCRE2_ALT_BSUX),
    ("auto_callout", sys::PCRE2_AUTO_CALLOUT),
    ("caseless", sys::PCRE2_CASELESS),
    ("dollar_endonly", sys::PCRE2_DOLLAR_ENDONLY),
    ("dotall", sys::PCRE2_DOTALL),
    ("dupnames", sys::PCRE2_DUPNAMES),
    ("extended", sys::PCRE2_EXTENDED),
    ("firstline", sys::PCRE2_FIRSTLINE),
    ("match_unset_backref", sys::PCRE2_MATCH_UNSET_BACKREF),
    ("multiline", sys::PCRE2_MULTILINE),
    ("never_ucp", sys::PCRE2_NEVER_UCP),
    ("never_utf", sys::PCRE2_NEVER_UTF),
    ("no_auto_capture", sys::PCRE2_NO_AUTO_CAPTURE),
    ("no_auto_possess", sys::PCRE2_NO_AUTO_POSSESS),
    ("no_dotstar_anchor", sys::PCRE2_NO_DOTSTAR_ANCHOR),
    ("no_start_optimize", sys::PCRE2_NO_START_OPTIMIZE),
    ("ucp", sys::PCRE2_UCP),
    ("ungreedy", sys::PCRE2_UNGREEDY),
    ("utf", sys::PCRE2_UTF),
    ("never_backslash_c", sys::PCRE2_NEVER_BACKSLASH_C),
    ("alt_circumflex", sys::PCRE2_ALT_CIRCUMFLEX),
    ("alt_verbnames", sys::PCRE2_ALT_VERBNAMES),
    ("use_offset_limit", sys::PCRE2_USE_OFFSET_LIMIT),
];

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at offset {offset}: {text}")]
pub struct PatternError {
    /// Where in the pattern
    pub offset: usize,
    /// PCRE2's words
    pub text: String,
}

/// Why a search was given up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MatchError(String);

/// What a search has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A match that begins here
    Match(usize),
    /// What follows the text decides whether there is a match that begins here
    Partial(usize),
    /// None
    Nothing,
}

/// A compiled pattern. Does not change any more, so that any number of searches may use it.
pub struct Pattern {
    code: NonNull<sys::pcre2_code_8>,
    lookbehind: usize,
    /// In force
    options: u32,
    is_first_line: bool,
}

/// The working memory of searches.
pub struct Matcher {
    data: NonNull<sys::pcre2_match_data_8>,
    context: NonNull<sys::pcre2_match_context_8>,
    stack: Option<NonNull<sys::pcre2_jit_stack_8>>,
}

// SAFETY: a compiled pattern is only read by PCRE2 (pcre2api(3), "Multithreading"), and belongs to no thread.
#[allow(unsafe_code)]
unsafe impl Send for Pattern {}
// SAFETY: as above; JIT compilation, which writes, is over before the pattern can be seen.
#[allow(unsafe_code)]
unsafe impl Sync for Pattern {}
// SAFETY: the memory belongs to no thread, and a search needs `&mut`.
#[allow(unsafe_code)]
unsafe impl Send for Matcher {}

impl Pattern {
    /// Compiles a pattern with the `regex_options` of these names, to machine code if the system lets us. A text that is
    /// no UTF-8 matches nowhere that it is not, even with `utf`.
    ///
    /// # Errors
    /// What is wrong with the pattern. Words that are no option do nothing.
    pub fn compile<'a>(pattern: &[u8], options: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let wanted = options
            .into_iter()
            .filter_map(|word| OPTIONS.iter().find(|(name, _)| *name == word))
            // Searches are cut into pieces by their first and last start.
            .fold(sys::PCRE2_USE_OFFSET_LIMIT, |bits, (_, bit)| bits | bit);
        // What its first line is, is known where the whole text is.
        let options = wanted & !sys::PCRE2_FIRSTLINE;
        let mut compiled = Self::compile_once(pattern, options)?;
        // The pattern itself may ask for UTF-8.
        if compiled.options & sys::PCRE2_UTF != 0 {
            compiled = Self::compile_once(pattern, options | sys::PCRE2_MATCH_INVALID_UTF)?;
        }
        compiled.is_first_line = wanted & sys::PCRE2_FIRSTLINE != 0;
        compiled.translate();
        Ok(compiled)
    }

    #[allow(unsafe_code)]
    fn compile_once(pattern: &[u8], options: u32) -> Result<Self, PatternError> {
        let (mut error, mut offset): (c_int, usize) = (0, 0);
        // SAFETY: the pattern is a readable slice of this length, and the others point to our own variables.
        let code = unsafe {
            let length = pattern.len();
            sys::pcre2_compile_8(pattern.as_ptr(), length, options, &mut error, &mut offset, ptr::null_mut())
        };
        let code = NonNull::new(code).ok_or_else(|| PatternError { offset, text: message(error) })?;
        let mut compiled = Pattern { code, lookbehind: 0, options: 0, is_first_line: false };
        compiled.options = compiled.info(sys::PCRE2_INFO_ALLOPTIONS);
        compiled.lookbehind = compiled.info(sys::PCRE2_INFO_MAXLOOKBEHIND) as usize;
        Ok(compiled)
    }

    #[allow(unsafe_code)]
    fn info(&self, what: u32) -> u32 {
        let mut value: u32 = 0;
        // SAFETY: both things that are asked for are 32 bits wide (pcre2api(3), "Information about a compiled pattern").
        unsafe { sys::pcre2_pattern_info_8(self.code.as_ptr(), what, ptr::from_mut(&mut value).cast()) };
        value
    }

    /// Makes machine code of it. Where that is not possible or not allowed, it is interpreted.
    #[allow(unsafe_code)]
    fn translate(&mut self) {
        let modes = sys::PCRE2_JIT_COMPLETE | sys::PCRE2_JIT_PARTIAL_HARD;
        // SAFETY: nobody else has the pattern yet.
        unsafe { sys::pcre2_jit_compile_8(self.code.as_ptr(), modes) };
    }

    /// How many bytes before its start a match may look at.
    pub fn lookbehind(&self) -> usize {
        if self.is_utf() { self.lookbehind.saturating_mul(4) } else { self.lookbehind }
    }

    /// Whether texts are taken for UTF-8, so that a search must begin at a character.
    pub fn is_utf(&self) -> bool {
        self.options & sys::PCRE2_UTF != 0
    }

    /// Whether a match should begin in the first line of the text. That is the caller's affair.
    pub fn is_first_line(&self) -> bool {
        self.is_first_line
    }

    /// Looks for a match that begins at `first` or later, but not much after `last`. `partial`: more text follows.
    ///
    /// # Errors
    /// If it costs too much.
    pub fn find(
        &self,
        matcher: &mut Matcher,
        text: &[u8],
        first: usize,
        last: usize,
        partial: bool,
    ) -> Result<Found, MatchError> {
        let options = if partial { sys::PCRE2_PARTIAL_HARD } else { 0 };
        let mut result = self.search(matcher, text, first, last, options);
        // The interpreter has no such stack.
        if result == sys::PCRE2_ERROR_JIT_STACKLIMIT {
            result = self.search(matcher, text, first, last, options | sys::PCRE2_NO_JIT);
        }
        match result {
            0.. => Ok(Found::Match(matcher.start())),
            sys::PCRE2_ERROR_PARTIAL => Ok(Found::Partial(matcher.start())),
            sys::PCRE2_ERROR_NOMATCH => Ok(Found::Nothing),
            error => Err(MatchError(message(error))),
        }
    }

    #[allow(unsafe_code)]
    fn search(&self, matcher: &mut Matcher, text: &[u8], first: usize, last: usize, options: u32) -> c_int {
        let (data, context) = (matcher.data.as_ptr(), matcher.context.as_ptr());
        // SAFETY: pattern and working memory are alive, the text is a readable slice of this length, and PCRE2 itself
        // refuses an offset outside it.
        unsafe {
            sys::pcre2_set_offset_limit_8(context, last);
            sys::pcre2_match_8(self.code.as_ptr(), text.as_ptr(), text.len(), first, options, data, context)
        }
    }
}

impl Matcher {
    /// Working memory, with a stack for machine code of this initial and greatest size in bytes; `None` is 32 KiB.
    ///
    /// # Errors
    /// If there is no memory.
    #[allow(unsafe_code)]
    pub fn new(stack: Option<(usize, usize)>) -> Result<Self, MatchError> {
        let none = || MatchError("no memory".into());
        // SAFETY: these only allocate.
        let data = NonNull::new(unsafe { sys::pcre2_match_data_create_8(1, ptr::null_mut()) }).ok_or_else(none)?;
        // SAFETY: as above.
        let context = unsafe { sys::pcre2_match_context_create_8(ptr::null_mut()) };
        let Some(context) = NonNull::new(context) else {
            // SAFETY: it was made above, and nobody has it.
            unsafe { sys::pcre2_match_data_free_8(data.as_ptr()) };
            return Err(none());
        };
        let mut matcher = Matcher { data, context, stack: None };
        // SAFETY: the context is alive.
        unsafe {
            sys::pcre2_set_match_limit_8(context.as_ptr(), MATCH_LIMIT);
            sys::pcre2_set_heap_limit_8(context.as_ptr(), HEAP_LIMIT);
        }
        if let Some((start, most)) = stack {
            // SAFETY: it only allocates.
            let stack = unsafe { sys::pcre2_jit_stack_create_8(start, most, ptr::null_mut()) };
            matcher.stack = Some(NonNull::new(stack).ok_or_else(none)?);
            // SAFETY: both are alive, and the stack is freed after the context.
            unsafe { sys::pcre2_jit_stack_assign_8(context.as_ptr(), None, stack.cast()) };
        }
        Ok(matcher)
    }

    /// Where the last match, or partial match, began.
    #[allow(unsafe_code)]
    fn start(&self) -> usize {
        // SAFETY: the memory was made for one pair of offsets, which a match or a partial match has set.
        unsafe { *sys::pcre2_get_ovector_pointer_8(self.data.as_ptr()) }
    }
}

impl Drop for Pattern {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it is ours and is used no more.
        unsafe { sys::pcre2_code_free_8(self.code.as_ptr()) };
    }
}

impl Drop for Matcher {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: all three are ours and are used no more.
        unsafe {
            sys::pcre2_match_data_free_8(self.data.as_ptr());
            sys::pcre2_match_context_free_8(self.context.as_ptr());
            if let Some(stack) = self.stack {
                sys::pcre2_jit_stack_free_8(stack.as_ptr());
            }
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Pattern").field("options", &self.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Matcher").finish_non_exhaustive()
    }
}

/// PCRE2's words for an error.
#[allow(unsafe_code)]
fn message(error: c_int) -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is writable and of this length; the text is cut to fit, with a zero at its end.
    unsafe { sys::pcre2_get_error_message_8(error, buffer.as_mut_ptr(), buffer.len()) };
    let text = buffer.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests;
