#include "device.h"

#include "kernel_file.h"

enum { CPUINFO_BYTES = 1 << 16 };

void device_read(device_reading *reading) {
  int64_t battery = read_kernel_number("/sys/class/power_supply/battery/temp");
  reading->battery = battery >= 0 && battery < 2000 ? (int32_t)battery : NOT_TOLD;
  for (int cpu = 0; cpu < MOST_CPUS; cpu++) {
    char path[80];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_max_freq", cpu);
    int64_t kilohertz = read_kernel_number(path);
    reading->limit_mhz[cpu] = kilohertz > 0 && kilohertz < 100000000 ? (int32_t)(kilohertz / 1000)
                                                                     : 0;
  }
}

static size_t copy_line(const char *from, char *to, size_t capacity) {
  size_t used = 0;
  while (from != NULL && from[used] != 0 && from[used] != '\n' && used + 1 < capacity) {
    to[used] = from[used];
    used++;
  }
  to[used] = 0;
  return used;
}

void device_name(char *name, size_t capacity) {
  static const char *const fields[] = {"Hardware", "model name"};
  char text[4096];
  if (read_kernel_line("/proc/device-tree/model", name, capacity) > 0) {
    return;
  }
  read_kernel_file("/proc/cpuinfo", text, sizeof text);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (copy_line(find_value(text, fields[i]), name, capacity) > 0) {
      return;
    }
  }
  copy_line("a device that does not say its name", name, capacity);
}

int32_t device_cores(device_core cores[MOST_CPUS]) {
  char text[CPUINFO_BYTES];
  int32_t count = 0;
  read_kernel_file("/proc/cpuinfo", text, sizeof text);
  const char *next = NULL;
  for (const char *one = find_value(text, "processor"); one != NULL && count < MOST_CPUS;
       one = next) {
    const char *maker = find_value(one, "CPU implementer"), *part = find_value(one, "CPU part");
    next = find_value(one, "processor");
    if (maker != NULL && part != NULL && (next == NULL || part < next)) {
      cores[count++] = (device_core){(int32_t)number_at(one), (uint32_t)number_at(maker),
                                     (uint32_t)number_at(part)};
    }
  }
  return count;
}

/* Kirin's and Snapdragon's have numbers of their makers' (android_rpc/telemetry/topology.py). */
bool device_is_a76(const device_core *core) {
  return (core->implementer == 0x41 && core->part == 0xd0b) ||
         (core->implementer == 0x48 && core->part == 0xd40) ||
         (core->implementer == 0x51 && core->part == 0x804);
}
