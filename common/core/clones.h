#pragma once

// RONDO_CLONES compiles a function once for each level of x86-64; the program picks one when it
// starts. For loops over millions of numbers only. Sanitizers do not like the resolvers, which run
// before them.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) \
    && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RONDO_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define RONDO_CLONES
#endif
