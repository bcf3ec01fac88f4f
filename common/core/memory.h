#pragma once

namespace rondo {

/// Keeps freed memory in the process. A round allocates and frees the same megabytes as the one
/// before, and to get them from the kernel each time costs more than the work on them
/// (mallopt(3): M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD).
void KeepFreedMemory();

}  // namespace rondo
