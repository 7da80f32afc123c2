#define _GNU_SOURCE
#include "elf_check.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined __aarch64__
enum { THIS_MACHINE = EM_AARCH64 };
#elif defined __x86_64__
enum { THIS_MACHINE = EM_X86_64 };
#else
#error "the demo's server runs on arm64 and x86-64"
#endif

_Static_assert(sizeof(Elf64_Ehdr) == ELF_HEAD && sizeof(Elf64_Phdr) == SEGMENT_SIZE, "ELF64");

static int inside(uint64_t place, uint64_t size, uint64_t whole) {
  return place <= whole && size <= whole - place;
}

int elf_segments(const uint8_t head[ELF_HEAD], uint64_t file_size, uint64_t *place) {
  Elf64_Ehdr header;
  memcpy(&header, head, sizeof header);
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN ||
      header.e_machine != THIS_MACHINE || header.e_phentsize != SEGMENT_SIZE)
    return -1;
  if (header.e_phnum < 1 || header.e_phnum > MAX_SEGMENTS ||
      !inside(header.e_phoff, (uint64_t)header.e_phnum * SEGMENT_SIZE, file_size))
    return -1;
  *place = header.e_phoff;
  return header.e_phnum;
}

int elf_segments_fit(const uint8_t *segments, int count, uint64_t file_size) {
  int loaded = 0;
  for (int i = 0; i < count; i++) {
    Elf64_Phdr segment;
    memcpy(&segment, segments + i * SEGMENT_SIZE, sizeof segment);
    if (segment.p_type != PT_LOAD && segment.p_type != PT_DYNAMIC) continue;
    if (segment.p_filesz > segment.p_memsz ||
        !inside(segment.p_offset, segment.p_filesz, file_size))
      return 0;
    loaded += segment.p_type == PT_LOAD;
  }
  return loaded > 0;
}

int elf_check(const char *path) {
  uint8_t head[ELF_HEAD], segments[MAX_SEGMENTS * SEGMENT_SIZE];
  struct stat status;
  uint64_t place;
  int fits = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  if (!fstat(fd, &status) && S_ISREG(status.st_mode) &&
      pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head) {
    int count = elf_segments(head, (uint64_t)status.st_size, &place);
    size_t size = count > 0 ? (size_t)count * SEGMENT_SIZE : 0;
    fits = count > 0 && pread(fd, segments, size, (off_t)place) == (ssize_t)size &&
           elf_segments_fit(segments, count, (uint64_t)status.st_size);
  }
  close(fd);
  return fits ? 0 : -1;
}
