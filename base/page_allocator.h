// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include <sys/mman.h>

namespace skylark {

/// For arrays with an item for each of tens of thousands of queues that live for moments, or grow: a long one has pages of its own and gives
/// them back to the system. From malloc it would come out of the arena of its thread, which keeps as much for good.
template <class T>
struct PageAllocator {
  using value_type = T;
  static constexpr std::size_t kLongBytes = 128 * 1024;

  PageAllocator() noexcept = default;
  template <class U>
  PageAllocator(const PageAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count < kLongBytes / sizeof(T)) return std::allocator<T>().allocate(count);
    if (count > static_cast<std::size_t>(-1) / 2 / sizeof(T)) throw std::bad_array_new_length();
    void* const pages = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return static_cast<T*>(pages);
  }
  void deallocate(T* items, std::size_t count) noexcept {
    if (count < kLongBytes / sizeof(T)) return std::allocator<T>().deallocate(items, count);
    ::munmap(items, count * sizeof(T));
  }
  template <class U>
  [[nodiscard]] bool operator==(const PageAllocator<U>&) const noexcept {
    return true;
  }
};

}  // namespace skylark
