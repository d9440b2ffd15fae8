// MappedHandler: a completion handler that is given the result of another
// operation, changed by a function, and is otherwise like the handler that it
// wraps: the same executor, allocator and cancellation slot.

#ifndef COFFER_SDK_INTERNAL_MAPPED_HANDLER_H_
#define COFFER_SDK_INTERNAL_MAPPED_HANDLER_H_

#include <boost/asio/associator.hpp>
#include <utility>

namespace coffer::internal {

template <class Handler, class Map>
struct MappedHandler {
  Handler handler;
  Map map;

  template <class... Results>
  void operator()(Results&&... results) && {
    // The map goes first: what it owns is not to outlive the operation.
    auto mapped = [this](auto&&... given) {
      Map once = std::move(map);
      return std::move(once)(std::forward<decltype(given)>(given)...);
    }(std::forward<Results>(results)...);
    std::move(handler)(std::move(mapped));
  }
};

template <class Handler, class Map>
MappedHandler<Handler, Map> MapResult(Handler handler, Map map) {
  return {std::move(handler), std::move(map)};
}

}  // namespace coffer::internal

template <template <class, class> class Associator, class Handler, class Map,
          class Default>
struct boost::asio::associator<
    Associator, coffer::internal::MappedHandler<Handler, Map>, Default>
    : Associator<Handler, Default> {
  static typename Associator<Handler, Default>::type get(
      const coffer::internal::MappedHandler<Handler, Map>& mapped) noexcept {
    return Associator<Handler, Default>::get(mapped.handler);
  }
  static auto get(const coffer::internal::MappedHandler<Handler, Map>& mapped,
                  const Default& otherwise) noexcept
      -> decltype(Associator<Handler, Default>::get(mapped.handler,
                                                    otherwise)) {
    return Associator<Handler, Default>::get(mapped.handler, otherwise);
  }
};

#endif  // COFFER_SDK_INTERNAL_MAPPED_HANDLER_H_
