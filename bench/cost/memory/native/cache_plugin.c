/* A plugin for QEMU that simulates the data caches of a core, and counts what moves between them.

   qemu-aarch64 -plugin file=PLUGIN,counts=FILE,level1=BYTES:WAYS,level2=BYTES:WAYS,
                        level3=BYTES:WAYS[,first=ADDRESS,last=ADDRESS]

   Every level keeps the lines that were used last, and takes each line that is asked for. A line
   that is not there is foreseen when it follows one that was missed shortly before, as a core's
   prefetchers foresee it, or when its instruction has moved by the same distance before.

   FILE gets a line for each block that accessed memory: its address, then a group for each section
   of the program's life (../../counting/native/mark.h) with the numbers of enum event. With addresses, which
   are hexadecimal, only what instructions there access is simulated, and only marks there count. */
#include <inttypes.h>

#include "mark.h"
#include "plugin.h"

enum { LEVELS = 3, LINE_BITS = 6, SECTIONS = 16, BUCKETS = 1 << 16, STREAMS = 16, MAX_STRIDE = 32 };

/* Accesses; of each level, the lines that it lacked: foreseen and not; lines written back to
   memory. */
enum event { READS, WRITES, MISSES, WRITTEN_BACK = MISSES + 2 * LEVELS, EVENTS };

struct block {
  struct block *next;
  uint64_t address, events[SECTIONS][EVENTS];
};

/* One instruction: whose it is, and how its accesses move from line to line. */
struct instruction {
  struct block *block;
  uint64_t line;
  int64_t stride;
  int steady;
};

/* Lines of a set lie behind each other, the one used last first; bit 63 marks those written to. */
struct level {
  uint64_t *lines;
  uint64_t last_set;
  unsigned ways;
};

static const uint64_t DIRTY = UINT64_C(1) << 63;

static int section;
static struct block *buckets[BUCKETS];
static struct level levels[LEVELS];
static uint64_t streams[STREAMS];
static int oldest_stream;

static void *zeros(size_t bytes) {
  void *memory = calloc(1, bytes);
  if (!memory) fail("no memory");
  return memory;
}

/* Whether the level holds the line, which it does afterwards; *evicted is what had to go, or 0. */
static int take(struct level *level, uint64_t line, uint64_t dirty, uint64_t *evicted) {
  uint64_t *set = level->lines + (line & level->last_set) * level->ways;
  if ((set[0] & ~DIRTY) == line) { /* as for most accesses */
    set[0] |= dirty;
    return 1;
  }
  unsigned way = 1;
  while (way < level->ways && (set[way] & ~DIRTY) != line) way++;
  int held = way < level->ways;
  if (held) {
    dirty |= set[way] & DIRTY;
  } else {
    way = level->ways - 1;
    *evicted = set[way];
  }
  for (; way > 0; way--) set[way] = set[way - 1];
  set[0] = line | dirty;
  return held;
}

/* Whether a stream of misses has led to this line. */
static int in_stream(uint64_t line) {
  for (int i = 0; i < STREAMS; i++) {
    uint64_t distance = line - streams[i] + 2;
    if (distance <= 4) { /* two lines ahead or behind */
      streams[i] = line;
      return 1;
    }
  }
  streams[oldest_stream] = line;
  oldest_stream = (oldest_stream + 1) % STREAMS;
  return 0;
}

static void access_line(struct instruction *instruction, uint64_t line, int is_store) {
  uint64_t *events = instruction->block->events[section], evicted = 0;
  events[is_store ? WRITES : READS]++;
  int64_t stride = (int64_t)(line - instruction->line);
  if (stride) {
    int repeats = stride == instruction->stride;
    instruction->steady = repeats && llabs(stride) <= MAX_STRIDE ? instruction->steady + 1 : 0;
    instruction->stride = stride;
    instruction->line = line;
  }
  uint64_t dirty = is_store ? DIRTY : 0;
  if (take(&levels[0], line, dirty, &evicted)) return;
  int foreseen = in_stream(line) | (instruction->steady > 1);
  for (int i = 0;; ) {
    events[MISSES + 2 * i + !foreseen]++;
    /* What is written back was asked for before, so that the levels below hold it, or did. */
    for (int below = i + 1; evicted & DIRTY; below++) {
      uint64_t moved = evicted;
      evicted = 0;
      if (below == LEVELS) {
        events[WRITTEN_BACK]++;
        break;
      }
      take(&levels[below], moved & ~DIRTY, DIRTY, &evicted);
    }
    if (++i == LEVELS || take(&levels[i], line, 0, &evicted)) return;
  }
}

static void accessed(unsigned thread, qemu_plugin_meminfo_t access, uint64_t address, void *data) {
  (void)thread;
  uint64_t bytes = UINT64_C(1) << qemu_plugin_mem_size_shift(access);
  uint64_t line = address >> LINE_BITS, end = (address + bytes - 1) >> LINE_BITS;
  for (; line <= end; line++) access_line(data, line, qemu_plugin_mem_is_store(access));
}

static void marked(unsigned thread, void *data) {
  (void)thread, (void)data;
  if (section + 1 < SECTIONS) section++;
}

static struct block *block_at(uint64_t address) {
  struct block **bucket = &buckets[(address >> 2) % BUCKETS], *block = *bucket;
  while (block && block->address != address) block = block->next;
  if (block) return block;
  block = zeros(sizeof *block);
  block->address = address;
  block->next = *bucket;
  return *bucket = block;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *translation) {
  (void)id;
  uint64_t address = qemu_plugin_tb_vaddr(translation);
  size_t length = qemu_plugin_tb_n_insns(translation);
  if (address < first || address > last) return;
  struct block *block = block_at(address);
  for (size_t i = 0; i < length; i++) {
    if (i + 1 < length && instruction_word(translation, i) == MARK_FIRST &&
        instruction_word(translation, i + 1) == MARK_SECOND)
      qemu_plugin_register_vcpu_tb_exec_cb(translation, marked, QEMU_PLUGIN_CB_NO_REGS, NULL);
    struct instruction *instruction = zeros(sizeof *instruction);
    instruction->block = block;
    qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(translation, i), accessed,
                                     QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, instruction);
  }
}

static void write_block(const struct block *block) {
  uint64_t accesses = 0;
  for (int i = 0; i <= section; i++) accesses += block->events[i][READS] + block->events[i][WRITES];
  if (!accesses) return;
  fprintf(file, "%" PRIx64, block->address);
  for (int i = 0; i <= section; i++)
    for (int event = 0; event < EVENTS; event++)
      fprintf(file, event ? ",%" PRIu64 : " %" PRIu64, block->events[i][event]);
  fputc('\n', file);
}

static void ended(qemu_plugin_id_t id, void *data) {
  (void)id, (void)data;
  if (!is_own_process()) return;
  for (int i = 0; i < BUCKETS; i++)
    for (const struct block *block = buckets[i]; block; block = block->next) write_block(block);
  if (fflush(file) || ferror(file) || fclose(file)) fail(strerror(errno));
}

static void set_up(struct level *level, const char *text) {
  uint64_t bytes = strtoull(text, NULL, 10);
  const char *colon = strchr(text, ':');
  level->ways = colon ? (unsigned)atoi(colon + 1) : 0;
  if (!bytes || !level->ways) fail("a level is BYTES:WAYS");
  uint64_t sets = (bytes >> LINE_BITS) / level->ways;
  if (!sets || sets & (sets - 1)) fail("the sets of a level are a power of two");
  level->last_set = sets - 1;
  level->lines = zeros(sets * level->ways * sizeof *level->lines);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **words) {
  static const char *const names[LEVELS] = {"level1", "level2", "level3"};
  (void)info;
  begin(id, count, words, translated, ended);
  for (int i = 0; i < count; i++)
    for (int n = 0; n < LEVELS; n++) {
      const char *value = option(words[i], names[n]);
      if (value) set_up(&levels[n], value);
    }
  for (int i = 0; i < LEVELS; i++)
    if (!levels[i].lines) fail("a level is missing");
  return 0;
}
