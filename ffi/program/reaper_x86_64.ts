/**
 * The machine code of a container's small first process for x86_64: 471 bytes, each line of
 * assembly beside its bytes.
 *
 * What it does stands in reaper_image.ts. The syntax is Intel's. The assembly is a comment, since a start has no
 * use for it; a test assembles it and compares. What follows a semicolon there says why.
 *
 * @module
 */

/** Bytes in hexadecimal, each line beside the assembly that gives them. */
export const CODE = "" +
  "57" + // push rdi ; where the words of the failure are
  "4881ec30110000" + // sub rsp, 4400 ; rsp: a set of signals, a number, and from 64 on a path
  "4c8dac2440110000" + // lea r13, [rsp+4416] ; r13: argv behind argc
  "488b842438110000" + // mov rax, [rsp+4408] ; argc
  "4d8d74c508" + // lea r14, [r13+rax*8+8] ; r14: the environment
  "b89d000000" + // mov eax, 157 ; prctl
  "bf24000000" + // mov edi, 36 ; PR_SET_CHILD_SUBREAPER: for a container without a pid namespace of its own
  "be01000000" + // mov esi, 1
  "0f05" + // syscall
  "48c70424ffffffff" + // mov qword ptr [rsp], -1 ; every signal
  "e890000000" + // call mask ; a blocked signal waits, also one that a first process would never get
  "b838000000" + // mov eax, 56 ; clone
  "bf11000000" + // mov edi, 17 ; SIGCHLD
  "31f6" + // xor esi, esi
  "31d2" + // xor edx, edx
  "4531d2" + // xor r10d, r10d
  "4531c0" + // xor r8d, r8d
  "0f05" + // syscall
  "85c0" + // test eax, eax
  "0f884c010000" + // js failed
  "0f8486000000" + // jz child
  "89c3" + // mov ebx, eax ; ebx: the program's process
  // waiting:
  "b880000000" + // mov eax, 128 ; rt_sigtimedwait
  "4889e7" + // mov rdi, rsp
  "31f6" + // xor esi, esi
  "31d2" + // xor edx, edx
  "41ba08000000" + // mov r10d, 8
  "0f05" + // syscall
  "85c0" + // test eax, eax
  "78e8" + // js waiting ; EINTR
  "83f811" + // cmp eax, 17 ; SIGCHLD
  "740d" + // je reap
  "89c6" + // mov esi, eax
  "89df" + // mov edi, ebx
  "b83e000000" + // mov eax, 62 ; kill: pass the signal on
  "0f05" + // syscall
  "ebd6" + // jmp waiting
  // reap:
  "b83d000000" + // mov eax, 61 ; wait4
  "48c7c7ffffffff" + // mov rdi, -1
  "488d742408" + // lea rsi, [rsp+8]
  "ba01000000" + // mov edx, 1 ; WNOHANG
  "4531d2" + // xor r10d, r10d
  "0f05" + // syscall
  "85c0" + // test eax, eax
  "7eb7" + // jle waiting
  "39d8" + // cmp eax, ebx
  "75dd" + // jne reap
  "8b7c2408" + // mov edi, [rsp+8] ; the program's status
  "89f8" + // mov eax, edi
  "83e07f" + // and eax, 127
  "7408" + // jz exited
  "8db880000000" + // lea edi, [rax+128]
  "eb03" + // jmp finish
  // exited:
  "c1ef08" + // shr edi, 8
  // finish:
  "b8e7000000" + // mov eax, 231 ; exit_group: the kernel ends what is left in the pid namespace
  "0f05" + // syscall
  // mask:
  "b80e000000" + // mov eax, 14 ; rt_sigprocmask
  "bf02000000" + // mov edi, 2 ; SIG_SETMASK
  "488d742408" + // lea rsi, [rsp+8] ; behind the return address
  "31d2" + // xor edx, edx
  "41ba08000000" + // mov r10d, 8
  "0f05" + // syscall
  "c3" + // ret
  // child:
  "b86d000000" + // mov eax, 109 ; setpgid: a group of its own, which gets the terminal's signals once
  "31ff" + // xor edi, edi
  "31f6" + // xor esi, esi
  "0f05" + // syscall
  "b827000000" + // mov eax, 39 ; getpid
  "0f05" + // syscall
  "89442408" + // mov [rsp+8], eax
  "b810000000" + // mov eax, 16 ; ioctl
  "31ff" + // xor edi, edi
  "be10540000" + // mov esi, 0x5410 ; TIOCSPGRP, where there is a terminal
  "488d542408" + // lea rdx, [rsp+8]
  "0f05" + // syscall
  "48c7042400000000" + // mov qword ptr [rsp], 0
  "e8b0ffffff" + // call mask
  "498b7d08" + // mov rdi, [r13+8] ; the program as it was asked for
  "4889fe" + // mov rsi, rdi
  // slash:
  "ac" + // lodsb
  "3c2f" + // cmp al, '/'
  "7479" + // je direct
  "84c0" + // test al, al
  "75f7" + // jnz slash
  "4d89f7" + // mov r15, r14
  // variable:
  "498b07" + // mov rax, [r15]
  "4885c0" + // test rax, rax
  "746f" + // jz failed
  "4983c708" + // add r15, 8
  "813850415448" + // cmp dword ptr [rax], 0x48544150 ; PATH
  "75ec" + // jne variable
  "8078043d" + // cmp byte ptr [rax+4], '='
  "75e6" + // jne variable
  "4c8d6005" + // lea r12, [rax+5] ; r12: what is left of PATH
  // folder:
  "488d7c2440" + // lea rdi, [rsp+64]
  "4c8d8f68100000" + // lea r9, [rdi+4200] ; a longer path is too long for the kernel, too
  // copy:
  "418a0424" + // mov al, [r12]
  "84c0" + // test al, al
  "740f" + // jz ended
  "49ffc4" + // inc r12
  "3c3a" + // cmp al, ':'
  "7408" + // je ended
  "4c39cf" + // cmp rdi, r9
  "73ec" + // jae copy
  "aa" + // stosb
  "ebe9" + // jmp copy
  // ended:
  "88c3" + // mov bl, al ; 0: it was the last folder
  "488d442440" + // lea rax, [rsp+64]
  "4839c7" + // cmp rdi, rax
  "741f" + // je next ; an empty one does not count
  "b02f" + // mov al, '/'
  "aa" + // stosb
  "498b7508" + // mov rsi, [r13+8]
  // name:
  "ac" + // lodsb
  "4c39cf" + // cmp rdi, r9
  "7301" + // jae name.end
  "aa" + // stosb
  // name.end:
  "84c0" + // test al, al
  "75f5" + // jnz name
  "c60700" + // mov byte ptr [rdi], 0
  "488d7c2440" + // lea rdi, [rsp+64]
  "e82e000000" + // call become
  // next:
  "84db" + // test bl, bl
  "75ae" + // jnz folder
  "eb05" + // jmp failed
  // direct:
  "e823000000" + // call become
  // failed:
  "bf02000000" + // mov edi, 2
  "488bb42430110000" + // mov rsi, [rsp+4400]
  "ba22000000" + // mov edx, 34
  "b801000000" + // mov eax, 1 ; write
  "0f05" + // syscall
  "bf7e000000" + // mov edi, 126 ; it was there when hull looked
  "e9fcfeffff" + // jmp finish
  // become:
  "b83b000000" + // mov eax, 59 ; execve
  "498d7508" + // lea rsi, [r13+8]
  "4c89f2" + // mov rdx, r14
  "0f05" + // syscall
  "c3"; // ret
