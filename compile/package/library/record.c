/* A benchmark as one line of depthbench's records. */
#include "verdict.h"

#include "kernel_file.h"

enum { ID_BYTES = 16, NAME = 128 };

static void write_id(json *to) {
  uint8_t bytes[ID_BYTES] = {0};
  syscall(SYS_GETRANDOM, bytes, sizeof bytes, 0);
  json_print(to, "\"id\": \"");
  for (int i = 0; i < ID_BYTES; i++) {
    json_print(to, "%02x", bytes[i]);
  }
  json_print(to, "\"");
}

/* UTC. Howard Hinnant's civil_from_days: years begin in March, so that leap days are at their end. */
static void write_time(json *to) {
  struct timespec now;
  clock_gettime(REALTIME, &now);
  long days = now.seconds / 86400, seconds = now.seconds % 86400;
  long since_0 = days + 719468, era = since_0 / 146097, day_of_era = since_0 % 146097;
  long year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  long day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  long month = (5 * day + 2) / 153;
  long year = year_of_era + era * 400 + (month >= 10);
  json_print(to, "\"time\": \"%04ld-%02ld-%02ldT%02ld:%02ld:%02ld+00:00\"", year,
             month < 10 ? month + 3 : month - 9, day - (153 * month + 2) / 5 + 1, seconds / 3600,
             seconds / 60 % 60, seconds % 60);
}

static void write_kind(json *to, platform platform) {
  static const char *const kinds[][3] = {
      [PLATFORM_UNKNOWN] = {"unknown time", "null", "time, unknown whether emulated, not latency"},
      [PLATFORM_HARDWARE] = {"latency", "false", "latency"},
      [PLATFORM_VIRTUAL] = {"latency", "false", "latency of a virtual machine"},
      [PLATFORM_EMULATOR] = {"emulated cost", "true", "emulated cost, not latency"},
  };
  char name[NAME];
  if (platform == PLATFORM_EMULATOR) { /* which shows files of what it runs on */
    snprintf(name, sizeof name, "an emulator");
  } else {
    device_name(name, sizeof name);
  }
  json_print(to, "\"kind\": \"%s\", \"emulated\": %s, \"label\": \"%s\", \"device\": {\"name\": ",
             kinds[platform][0], kinds[platform][1], kinds[platform][2]);
  json_string(to, name);
  json_print(to, ", \"emulated\": %s}", kinds[platform][1]);
}

static void write_samples(json *to, const measurement *what) {
  json_print(to, "[");
  for (int32_t i = 0; i < what->runs; i++) {
    json_print(to, "%s", i > 0 ? ", " : "");
    json_number(to, what->milliseconds[i]);
  }
  json_print(to, "]");
}

static void write_statistics(json *to, const measurement *what) {
  const statistics *times = &what->times;
  const struct {
    const char *name;
    double value;
  } fields[] = {
      {"p50_ms", times->p50}, {"p90_ms", times->p90}, {"p99_ms", times->p99},
      {"mean_ms", times->mean}, {"std_ms", times->std}, {"mad_ms", times->mad},
      {"min_ms", times->min}, {"max_ms", times->max}, {"cv", times->cv},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    json_print(to, "\"%s\": ", fields[i].name);
    json_number(to, what->wrong > 0 ? __builtin_nan("") : fields[i].value);
    json_print(to, ", ");
  }
  json_print(to, "\"count\": %d, \"warm_up_samples\": [%d]", what->runs, what->first);
}

static void write_agreement(json *to, const agreement *found) {
  json_print(to, "\"agreement\": {\"against\": \"onnxruntime\", \"input\": \"zeros\", "
                 "\"max_relative_difference\": ");
  json_number(to, found->difference);
  json_print(to, ", \"max_abs_difference\": ");
  json_number(to, found->absolute);
  json_print(to, ", \"reference_std\": ");
  json_number(to, found->deviation);
  json_print(to, ", \"tolerance\": ");
  json_number(to, network_tolerance);
  json_print(to, ", \"problem\": %s}",
             found->difference == found->difference ? "null" : "\"an output is not finite\"");
}

static void write_reading(json *to, const device_reading *reading) {
  int32_t count = 0;
  json_print(to, "\"clock_limits_mhz\": {");
  for (int32_t cpu = 0; cpu < MOST_CPUS; cpu++) {
    if (reading->limit_mhz[cpu] > 0) {
      json_print(to, "%s\"%d\": %d", count++ > 0 ? ", " : "", cpu, reading->limit_mhz[cpu]);
    }
  }
  json_print(to, "}, \"battery_c\": ");
  if (reading->battery == NOT_TOLD) {
    json_print(to, "null");
  } else {
    json_print(to, "%d.%d", reading->battery / 10, reading->battery % 10);
  }
}

static void write_cores(json *to, const instance *one) {
  device_core cores[MOST_CPUS];
  int32_t count = device_cores(cores);
  json_print(to, "\"threads\": %d, \"cpus\": ", one->threads);
  json_print(to, one->cpus == NULL ? "null" : "[");
  for (int32_t i = 0; one->cpus != NULL && i < one->threads; i++) {
    json_print(to, "%s%d", i > 0 ? ", " : "", one->cpus[i]);
  }
  json_print(to, "%s, \"cpus_named\": %s, \"cpu_parts\": {", one->cpus == NULL ? "" : "]",
             one->cpus == NULL ? "false" : "true");
  for (int32_t i = 0; i < count; i++) {
    json_print(to, "%s\"%d\": \"0x%02x:0x%03x\"", i > 0 ? ", " : "", cores[i].cpu,
               cores[i].implementer, cores[i].part);
  }
  json_print(to, "}");
}

static void write_server(json *to, const platform_signs *signs, platform platform) {
  int32_t count = 0;
  json_print(to, "\"server\": {\"platform\": \"%s\", \"signs\": [", platform_name(platform));
  for (int place = 0; platform_sign(signs, place) == NULL || *platform_sign(signs, place); place++) {
    const char *seen = platform_sign(signs, place);
    if (seen != NULL) {
      json_print(to, "%s\"%s\"", count++ > 0 ? ", " : "", seen);
    }
  }
  json_print(to, "], \"cores\": {}, \"midr\": ");
  json_print(to, signs->midr != 0 ? "\"%08x\"" : "null", signs->midr);
  json_print(to, ", \"counter_hz\": ");
  json_print(to, signs->counter_hz != 0 ? "%llu" : "null", (unsigned long long)signs->counter_hz);
  json_print(to, ", \"build\": null}");
}

static void write_conditions(json *to, const measurement *what, const platform_signs *signs) {
  const instance *one = what->of;
  char kernel[NAME];
  read_kernel_line("/proc/sys/kernel/osrelease", kernel, sizeof kernel);
  json_print(to, "\"conditions\": {%s\"host\": {\"kernel\": ", network_record_conditions);
  json_string(to, kernel);
  json_print(to, "}, \"git\": null, \"sampling\": {\"warmup\": %d, \"samples\": %d, \"seconds\": "
                 "0.0, \"sessions\": 1}, \"warmup\": %d, \"input\": \"zeros\", \"timer\": "
                 "\"one inference by CLOCK_MONOTONIC, in the package's library\", \"threads\": %d, ",
             what->warm_up, what->runs, what->warm_up, one->threads);
  write_server(to, signs, what->platform);
  json_print(to, ", \"before\": {");
  write_cores(to, one);
  json_print(to, ", ");
  write_reading(to, &one->before);
  json_print(to, "}, \"after\": {");
  write_reading(to, &one->after);
  json_print(to, "}}");
}

static void write_record(json *to, const measurement *what, const platform_signs *signs) {
  json_print(to, "{\"schema\": \"depthbench.record/1\", \"source\": \"app\", ");
  write_id(to);
  json_print(to, ", ");
  write_time(to);
  json_print(to, ", ");
  write_kind(to, what->platform);
  json_print(to, ", %s", network_record);
  write_statistics(to, what);
  json_print(to, ", \"samples_ms\": ");
  write_samples(to, what);
  json_print(to, ", \"sessions\": [");
  write_samples(to, what);
  json_print(to, "], \"quick\": true, \"reasons\": ");
  bool valid = verdict_write(to, what);
  json_print(to, ", \"valid\": %s, \"intervals\": null, ", valid ? "true" : "false");
  write_agreement(to, &what->agreement);
  json_print(to, ", ");
  write_conditions(to, what, signs);
  json_print(to, "}");
}

static depth_status measure(measurement *what, instance *one) {
  size_t bytes = (size_t)what->runs * sizeof *what->milliseconds;
  double *work = mmap(NULL, bytes, READABLE | WRITABLE, PRIVATE | ANONYMOUS, -1, 0);
  if (work == NO_MAPPING) {
    return failed(one->network, DEPTH_NO_MEMORY, "%zu bytes cannot be had", bytes);
  }
  for (int32_t i = 0; i < what->runs; i++) {
    double time = what->milliseconds[i];
    what->wrong += !(time > 0 && time - time == 0);
  }
  if (what->wrong == 0) {
    what->times = statistics_of(what->milliseconds, what->runs, work);
    what->first = warm_up_of(what->milliseconds, what->runs, work, &what->excess);
  }
  munmap(work, bytes);
  return agreement_find(one, &what->agreement);
}

static depth_status make_record(instance *one, measurement *what, json *to) {
  depth_status status = measure(what, one);
  if (status != DEPTH_OK) {
    return status;
  }
  platform_signs signs = platform_look();
  what->platform = platform_judge(&signs);
  write_record(to, what, &signs);
  if (to->used >= to->capacity) {
    return failed(one->network, DEPTH_BAD_BUFFER, "the record has %zu characters and an end",
                  to->used);
  }
  one->has_readings = false;
  return DEPTH_OK;
}

depth_status depth_benchmark_record(depth_network network, int32_t warm_up, int32_t runs,
                                    const double *milliseconds, char *record, size_t capacity,
                                    size_t *length) {
  instance *one;
  depth_status status = instance_enter(network, &one);
  if (status != DEPTH_OK) {
    return status;
  }
  if (milliseconds == NULL || length == NULL || (record == NULL && capacity > 0) || warm_up < 0 ||
      runs < 1) {
    status = failed(network, DEPTH_BAD_ARGUMENT, "a record needs times, and a place for itself");
  } else {
    measurement what = {one, PLATFORM_UNKNOWN, warm_up, runs, milliseconds, .wrong = 0};
    json to = {record, capacity, 0};
    status = make_record(one, &what, &to);
    *length = to.used;
  }
  return instance_leave(one, status);
}
