/**
 * The trampoline's machine code for x86_64: 200 bytes, each line of assembly beside its bytes.
 *
 * What it does, and the layout of the operations that it walks, stand in trampoline.ts. The syntax
 * is Intel's.
 *
 * The assembly is a comment, since a start has no use for it; a test assembles it and compares. What
 * follows a semicolon there says why.
 *
 * @module
 */

/** Bytes in hexadecimal, each line beside the assembly that gives them. */
export const CODE = "" +
  "53" + // push rbx
  "4154" + // push r12
  "4889fb" + // mov rbx, rdi ; rbx: the first operation
  "4989fc" + // mov r12, rdi ; r12: the operation at hand
  // next:
  "498b7c2408" + // mov rdi, [r12+8] ; the six arguments, in the kernel's registers
  "498b742410" + // mov rsi, [r12+16]
  "498b542418" + // mov rdx, [r12+24]
  "4d8b542420" + // mov r10, [r12+32]
  "4d8b442428" + // mov r8, [r12+40]
  "4d8b4c2430" + // mov r9, [r12+48]
  "418b4c2448" + // mov ecx, [r12+72] ; a set bit: the argument is the address of its value
  "f6c101" + // test cl, 1
  "7403" + // jz direct0
  "488b3f" + // mov rdi, [rdi]
  // direct0:
  "f6c102" + // test cl, 2
  "7403" + // jz direct1
  "488b36" + // mov rsi, [rsi]
  // direct1:
  "f6c104" + // test cl, 4
  "7403" + // jz direct2
  "488b12" + // mov rdx, [rdx]
  // direct2:
  "f6c108" + // test cl, 8
  "7403" + // jz direct3
  "4d8b12" + // mov r10, [r10]
  // direct3:
  "f6c110" + // test cl, 16
  "7403" + // jz direct4
  "4d8b00" + // mov r8, [r8]
  // direct4:
  "f6c120" + // test cl, 32
  "7403" + // jz direct5
  "4d8b09" + // mov r9, [r9]
  // direct5:
  "498b0424" + // mov rax, [r12]
  "0f05" + // syscall
  "4989442438" + // mov [r12+56], rax ; keep the result
  "483d01f0ffff" + // cmp rax, -4095
  "7314" + // jae failed ; unsigned: -4095 to -1 is an error
  "4885c0" + // test rax, rax
  "7409" + // jz forward
  "49634c2444" + // movsxd rcx, dword ptr [r12+68] ; where a result above 0 goes on
  "85c9" + // test ecx, ecx
  "752d" + // jnz jump
  // forward:
  "4983c450" + // add r12, 80
  "eb86" + // jmp next
  // failed:
  "83f8f5" + // cmp eax, -11 ; EAGAIN: made again as often as it may be
  "7512" + // jne failure
  "41807c244900" + // cmp byte ptr [r12+73], 0
  "740a" + // je failure
  "41fe4c2449" + // dec byte ptr [r12+73]
  "e96fffffff" + // jmp next
  // failure:
  "410344244c" + // add eax, [r12+76] ; zero: this is the tolerated errno
  "74dc" + // jz forward
  "49634c2440" + // movsxd rcx, dword ptr [r12+64] ; where an error goes on
  "85c9" + // test ecx, ecx
  "74d3" + // jz forward
  // jump:
  "81f9ffffff7f" + // cmp ecx, 0x7fffffff
  "740c" + // je done
  "486bc950" + // imul rcx, rcx, 80
  "4901cc" + // add r12, rcx
  "e94bffffff" + // jmp next
  // done:
  "4c89e0" + // mov rax, r12
  "4829d8" + // sub rax, rbx
  "415c" + // pop r12
  "5b" + // pop rbx
  "c3"; // ret
