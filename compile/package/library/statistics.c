#include "statistics.h"

enum { BATCH = 5, FEWEST_BATCHES = 4 };

static void sift(double *values, int32_t root, int32_t count) {
  for (int32_t child = 2 * root + 1; child < count; root = child, child = 2 * root + 1) {
    child += child + 1 < count && values[child + 1] > values[child];
    if (values[root] >= values[child]) {
      return;
    }
    double value = values[root];
    values[root] = values[child];
    values[child] = value;
  }
}

static void sort(double *values, int32_t count) {
  for (int32_t i = count / 2 - 1; i >= 0; i--) {
    sift(values, i, count);
  }
  for (int32_t i = count - 1; i > 0; i--) {
    double value = values[0];
    values[0] = values[i];
    values[i] = value;
    sift(values, 0, i);
  }
}

/* Linear between the closest ranks: type 7 of Hyndman and Fan 1996. */
static double quantile(const double *sorted, int32_t count, double share) {
  double rank = share * (count - 1);
  int32_t below = (int32_t)rank, above = below + 1 < count ? below + 1 : below;
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - below);
}

static double median(const double *samples, int32_t count, double *work) {
  memcpy(work, samples, (size_t)count * sizeof *work);
  sort(work, count);
  return quantile(work, count, 0.5);
}

/* By Newton's method, from above: no library of mathematics is needed for it. */
static double square_root(double value) {
  double root = value > 1 ? value : 1;
  for (double next = root; value > 0; root = next) {
    next = (root + value / root) / 2;
    if (next >= root) {
      return root;
    }
  }
  return 0;
}

static double mean_of(const double *samples, int32_t count) {
  double sum = 0;
  for (int32_t i = 0; i < count; i++) {
    sum += samples[i];
  }
  return sum / count;
}

statistics statistics_of(const double *samples, int32_t count, double *work) {
  statistics found = {.mean = mean_of(samples, count)};
  memcpy(work, samples, (size_t)count * sizeof *work);
  sort(work, count);
  found.p50 = quantile(work, count, 0.5);
  found.p90 = quantile(work, count, 0.9);
  found.p99 = quantile(work, count, 0.99);
  found.min = work[0];
  found.max = work[count - 1];
  double squares = 0;
  for (int32_t i = 0; i < count; i++) {
    double from_mean = samples[i] - found.mean, from_median = samples[i] - found.p50;
    squares += from_mean * from_mean;
    work[i] = from_median < 0 ? -from_median : from_median;
  }
  sort(work, count);
  found.mad = quantile(work, count, 0.5);
  found.std = count > 1 ? square_root(squares / (count - 1)) : __builtin_nan("");
  found.cv = found.std / found.mean;
  return found;
}

/* The cut after which the mean of the batches is known best; at most half of them go. */
static int32_t best_cut(const double *batches, int32_t count) {
  double mean = mean_of(batches, count), sum = 0, squares = 0, least = 0;
  int32_t best = -1;
  for (int32_t cut = count - 1; cut >= 0; cut--) {
    double from_mean = batches[cut] - mean, rest = count - cut;
    sum += from_mean;
    squares += from_mean * from_mean;
    double error = (squares / rest - sum / rest * (sum / rest)) / rest;
    if (cut <= count / 2 && (best < 0 || error <= least)) {
      best = cut;
      least = error;
    }
  }
  return best;
}

int32_t warm_up_of(const double *samples, int32_t count, double *work, double *excess) {
  int32_t batches = count / BATCH;
  *excess = 0;
  if (batches < FEWEST_BATCHES) {
    return 0;
  }
  for (int32_t i = 0; i < batches; i++) {
    double batch[BATCH];
    work[i] = median(samples + i * BATCH, BATCH, batch);
  }
  int32_t length = BATCH * best_cut(work, batches);
  if (length > 0) {
    double first = median(samples, length, work);
    *excess = first / median(samples + length, count - length, work) - 1;
  }
  return length;
}
