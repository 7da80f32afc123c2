#define _GNU_SOURCE
#include "platform.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpuinfo.h"
#include "kernel_file.h"

enum { MACHINE_AT = 18, MAX_NAMES = 4096 };
/* QEMU's for every CPU of its own but `max`, whose implementer is 0 (target/arm: gt_cntfrq_hz). */
static const uint64_t QEMU_COUNTER_HZ = 62500000;

/* How what virtual machines call themselves begins (systemd, src/basic/virt.c). */
static const char *const VIRTUAL_MACHINES[] = {
    "linux,dummy-virt", "linux,kvm", "xen,", "qemu", "QEMU", "KVM", "Amazon EC2", "VMware", "VMW",
    "Google Compute Engine", "Apple Virtualization", "Hyper-V", "Virtual Machine", "VirtualBox",
    "innotek GmbH", "Parallels", "OpenStack", "KubeVirt", "Xen", "BHYVE",
};
static const char *const NAMED_IN[] = {
    "/proc/device-tree/compatible",
    "/proc/device-tree/hypervisor/compatible",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
};

int elf_machine(const uint8_t *head, size_t size) {
  if (size < MACHINE_AT + 2 || memcmp(head, ELFMAG, SELFMAG)) return 0;
  if (head[EI_CLASS] != ELFCLASS64 || head[EI_DATA] != ELFDATA2LSB) return 0;
  return head[MACHINE_AT] | head[MACHINE_AT + 1] << 8;
}

int names_virtual_machine(const char *text, size_t size) {
  for (size_t at = 0; at < size; at++) {
    if (at && text[at - 1] != '\0' && text[at - 1] != '\n') continue;
    for (size_t i = 0; i < sizeof VIRTUAL_MACHINES / sizeof *VIRTUAL_MACHINES; i++) {
      size_t length = strlen(VIRTUAL_MACHINES[i]);
      if (length <= size - at && !memcmp(text + at, VIRTUAL_MACHINES[i], length)) return 1;
    }
  }
  return 0;
}

static int open_program(const char *path, struct stat *file) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  if (!fstat(fd, file)) return fd;
  close(fd);
  return -1;
}

static void look_at_program(struct signs *signs) {
  char path[64];
  uint8_t head[MACHINE_AT + 2];
  struct stat mine, parents;
  snprintf(path, sizeof path, "/proc/%d/exe", (int)getppid());
  int fd = open_program(path, &parents);
  if (fd < 0) return;
  ssize_t size = read(fd, head, sizeof head);
  close(fd);
  if (size > 0) signs->machine = elf_machine(head, (size_t)size);
  fd = open_program("/proc/self/exe", &mine);
  if (fd < 0) return;
  close(fd);
  signs->other_program = mine.st_dev != parents.st_dev || mine.st_ino != parents.st_ino;
}

static void look_at_cores(struct signs *signs) {
  static struct cpu cpus[CPU_SETSIZE];
  signs->foreign_cpuinfo = read_cpuinfo(cpus) == 0;
#ifdef __aarch64__
  uint64_t value;
  __asm__("mrs %0, CNTFRQ_EL0" : "=r"(value));
  signs->counter_hz = value;
  if (getauxval(AT_HWCAP) & HWCAP_CPUID) {
    __asm__("mrs %0, MIDR_EL1" : "=r"(value));
    signs->midr = (uint32_t)value;
  }
#endif
}

struct signs look_for_signs(void) {
  struct signs signs = {0};
  look_at_program(&signs);
  look_at_cores(&signs);
  for (size_t i = 0; i < sizeof NAMED_IN / sizeof *NAMED_IN; i++) {
    char names[MAX_NAMES];
    ssize_t size = read_kernel_file(NAMED_IN[i], names, sizeof names);
    if (size > 0 && names_virtual_machine(names, (size_t)size)) signs.virtual_machine = 1;
  }
  return signs;
}

static int other_machine(const struct signs *signs) {
  return signs->machine && signs->machine != EM_AARCH64;
}

static int emulators_core(const struct signs *signs) {
  return signs->midr && !(signs->midr >> 24);
}

enum platform judge_platform(const struct signs *signs) {
  if (other_machine(signs) || signs->other_program || signs->foreign_cpuinfo ||
      emulators_core(signs) || signs->counter_hz == QEMU_COUNTER_HZ)
    return PLATFORM_EMULATOR;
  if (!signs->machine || !signs->counter_hz) return PLATFORM_UNKNOWN;
  return signs->virtual_machine ? PLATFORM_VIRTUAL : PLATFORM_HARDWARE;
}

const char *platform_name(enum platform platform) {
  static const char *const names[] = {
      [PLATFORM_UNKNOWN] = "unknown",
      [PLATFORM_HARDWARE] = "hardware",
      [PLATFORM_VIRTUAL] = "virtual machine",
      [PLATFORM_EMULATOR] = "emulator",
  };
  return names[platform];
}

void format_signs(const struct signs *signs, char *text, size_t capacity) {
  const struct {
    int seen;
    const char *word;
  } words[] = {
      {other_machine(signs), "machine"},
      {signs->other_program, "program"},
      {signs->foreign_cpuinfo, "cpuinfo"},
      {emulators_core(signs), "midr"},
      {signs->counter_hz == QEMU_COUNTER_HZ, "counter"},
      {signs->virtual_machine, "firmware"},
  };
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < sizeof words / sizeof *words && used < capacity; i++)
    if (words[i].seen)
      used += (size_t)snprintf(text + used, capacity - used, "%s%s", used ? "," : "",
                               words[i].word);
}
