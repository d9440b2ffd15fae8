// TextArg: a parameter that takes text of any type there is: const char*,
// std::string, std::string_view, absl::string_view. It is for functions that
// look at a text and are done with it, and saves their callers conversions:
// absl::string_view and std::string_view are two types with some builds of
// Abseil, and neither converts to the other.
//
//   CommandRequest MakeHget(TextArg table, TextArg key);
//
// It refers to the text, as a view does: not to be kept. Text of length 0 is
// text; a null pointer is not.

#ifndef COFFER_PROTO_TEXT_ARG_H_
#define COFFER_PROTO_TEXT_ARG_H_

#include <concepts>
#include <cstddef>
#include <string_view>

#include "absl/strings/string_view.h"

namespace coffer {

template <class T>
concept Text =
    (std::convertible_to<const T&, absl::string_view> ||
     std::convertible_to<const T&,
                         std::string_view>)&&!std::same_as<T, std::nullptr_t>;

class TextArg {
 public:
  template <Text T>
  TextArg(const T& text)  // NOLINT(runtime/explicit)
      : view_(View(text)) {}

  absl::string_view view() const { return view_; }
  const char* data() const { return view_.data(); }
  size_t size() const { return view_.size(); }

 private:
  template <class T>
  static absl::string_view View(const T& text) {
    if constexpr (std::convertible_to<const T&, absl::string_view>) {
      return text;
    } else {
      const std::string_view view = text;
      return absl::string_view(view.data(), view.size());
    }
  }

  absl::string_view view_;
};

}  // namespace coffer

#endif  // COFFER_PROTO_TEXT_ARG_H_
