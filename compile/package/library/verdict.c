#include "verdict.h"

static const double NOISE = 0.10, WARM_UP = 0.05, CLOCK_CHANGE = 0.05;
enum { WARM = 370 }; /* tenths of a degree of the battery, at which phones begin to throttle */

typedef struct list {
  json *to;
  int32_t count;
} list;

/* Numbers in it are tenths, as "%s%d.%d": a decimal point of printf's is another in some
 * languages. */
#define REASON(list, ...) \
  (json_print((list)->to, "%s\"", (list)->count++ > 0 ? ", " : ""), \
   json_print((list)->to, __VA_ARGS__), json_print((list)->to, "\""))

static int32_t tenths(double share) {
  double value = share * 1000;
  return value < 1e8 ? (int32_t)(value + 0.5) : 100000000;
}

static void judge_outputs(list *reasons, const measurement *what) {
  double difference = what->agreement.difference;
  if (!(difference <= network_tolerance)) {
    json_print(reasons->to, "%s\"the outputs differ from those of onnxruntime by ",
               reasons->count++ > 0 ? ", " : "");
    json_number(reasons->to, difference);
    json_print(reasons->to, " relative (limit ");
    json_number(reasons->to, network_tolerance);
    json_print(reasons->to, ")\"");
  }
  if (!(what->agreement.deviation > 0)) {
    REASON(reasons, "the output of onnxruntime for zeros is constant, so that agreeing means "
                    "nothing");
  }
}

static void judge_noise(list *reasons, const measurement *what) {
  if (what->runs < 2) {
    REASON(reasons, "fewer than two samples: the noise is unknown");
  } else if (what->times.cv > NOISE) {
    int32_t seen = tenths(what->times.cv);
    REASON(reasons, "the coefficient of variation is %d.%d%% (limit 10%%)", seen / 10, seen % 10);
  }
  if (what->excess > WARM_UP) {
    int32_t seen = tenths(what->excess);
    REASON(reasons, "the first %d samples of session 1 are %d.%d%% above the rest (limit 5%%): ask "
                    "for more warm-ups", what->first, seen / 10, seen % 10);
  }
}

static void judge_device(list *reasons, const measurement *what) {
  const instance *one = what->of;
  for (int cpu = 0; one->has_readings && cpu < MOST_CPUS; cpu++) {
    double before = one->before.limit_mhz[cpu], after = one->after.limit_mhz[cpu];
    double change = before > 0 && after > 0 ? after / before - 1 : 0;
    if (change > CLOCK_CHANGE || change < -CLOCK_CHANGE) {
      REASON(reasons, "the highest allowed clock of core %d went from %d to %d MHz (limit 5%%)",
             cpu, one->before.limit_mhz[cpu], one->after.limit_mhz[cpu]);
      break;
    }
  }
  if (one->has_readings && one->hottest > WARM) {
    REASON(reasons, "the battery was at %d.%d °C (limit 37 °C)", one->hottest / 10,
           one->hottest % 10);
  }
  if (!one->has_readings) {
    REASON(reasons, "the times are of no benchmark of this network");
  }
}

/* A figure for the A76 is one of an A76, unless the app has named the cores. */
static void judge_cores(list *reasons, const measurement *what) {
  if (!network_for_a76 || what->of->cpus != NULL) {
    return;
  }
  device_core cores[MOST_CPUS];
  int32_t count = device_cores(cores);
  for (int32_t i = 0; i < count; i++) {
    if (!device_is_a76(&cores[i])) {
      REASON(reasons, "its threads were pinned to no core, and core %d is not the target's "
                      "Cortex-A76", cores[i].cpu);
      return;
    }
  }
}

bool verdict_write(json *to, const measurement *what) {
  list reasons = {to, 0};
  json_print(to, "[");
  if (what->wrong > 0) {
    REASON(&reasons, "%d samples are not positive finite times", what->wrong);
  }
  judge_outputs(&reasons, what);
  if (what->platform == PLATFORM_UNKNOWN) {
    REASON(&reasons, "nothing says whether the times are an emulator's");
  } else if (what->platform != PLATFORM_EMULATOR) {
    judge_noise(&reasons, what);
    judge_device(&reasons, what);
    judge_cores(&reasons, what);
  }
  json_print(to, "]");
  return reasons.count == 0;
}
