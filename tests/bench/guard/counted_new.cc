// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/guard/counted_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace skylark::guard {
namespace {

// Plain numbers: what lives in a thread here must not allocate itself.
thread_local constinit Allocations of_thread;

void* allocate(std::size_t size, std::size_t alignment) {
  ++of_thread.count;
  of_thread.bytes += static_cast<std::int64_t>(size);
  if (size == 0) size = 1;
  void* memory = nullptr;
  if (alignment <= alignof(std::max_align_t)) {
    memory = std::malloc(size);
  } else if (::posix_memalign(&memory, alignment, size) != 0) {
    memory = nullptr;
  }
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

Allocations allocations_of_this_thread() noexcept { return of_thread; }

}  // namespace skylark::guard

// The array and nothrow forms of the library end in these.
void* operator new(std::size_t size) { return skylark::guard::allocate(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return skylark::guard::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
