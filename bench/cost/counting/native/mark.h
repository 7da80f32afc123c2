/* The instructions that tell the counter that an inference begins or ends. */
#ifndef COST_MARK_H
#define COST_MARK_H

/* Two moves into the register that is always zero: they do nothing, and no compiler emits them. */
#define MARK_FIRST 0xd28c8c9fu  /* movz xzr, #0x6464 */
#define MARK_SECOND 0xd28c6c7fu /* movz xzr, #0x6363 */

#if defined(__aarch64__)
__attribute__((noinline)) static void mark(void) {
  __asm__ volatile(".inst %0\n.inst %1" : : "i"(MARK_FIRST), "i"(MARK_SECOND) : "memory");
}
#endif

#endif
