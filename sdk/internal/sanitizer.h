// Whether this is compiled with a sanitizer, which g++ tells by a macro and
// clang by a question.

#ifndef COFFER_SDK_INTERNAL_SANITIZER_H_
#define COFFER_SDK_INTERNAL_SANITIZER_H_

// The thread sanitizer.
#if defined(__SANITIZE_THREAD__)
#define COFFER_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COFFER_THREAD_SANITIZER 1
#endif
#endif

// That, or the address sanitizer: all takes several times as long.
#if defined(COFFER_THREAD_SANITIZER) || defined(__SANITIZE_ADDRESS__)
#define COFFER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COFFER_SANITIZER 1
#endif
#endif

#endif  // COFFER_SDK_INTERNAL_SANITIZER_H_
