/** Types that TypeScript keeps apart though JavaScript would not: an `Epoch` is no `Seq`. Source: house, names. */

declare const brand: unique symbol;

export type Branded<T, Name extends string> = T & { readonly [brand]: Name };
