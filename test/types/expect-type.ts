/** Whether two types are the same, `any` being the same as nothing but itself. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only with `expectType<Same<A, B>>()` of equal types. */
export function expectType<_T extends true>(): void {}
