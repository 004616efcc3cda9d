/** A value for objects that others made, which nobody else finds: a `WeakMap` whose entries are fields of the objects. */
export interface Slot<T> {
  get(object: object): T | undefined
  set(object: object, value: T): void
}

/** What a constructor returns becomes `this` of the class that extends it, and gets that class's private fields. */
export class Itself {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is what the class is for.
    return object
  }
}

/** A slot of an object, and what is in it. */
class Filled {
  readonly slot: object
  value: unknown

  constructor(slot: object, value: unknown) {
    this.slot = slot
    this.value = value
  }
}

class Slotted extends Itself {
  readonly #filled: Filled

  constructor(object: object, filled: Filled) {
    super(object)
    this.#filled = filled
  }

  static get<T>(object: object, slot: object, others: WeakMap<object, T>): T | undefined {
    if (!(#filled in object)) return undefined
    const filled = object.#filled
    return filled.slot === slot ? (filled.value as T) : others.get(object)
  }

  static set<T>(object: object, slot: object, others: WeakMap<object, T>, value: T): void {
    if (!(#filled in object)) {
      new Slotted(object, new Filled(slot, value))
      return
    }
    const filled = object.#filled
    if (filled.slot === slot) filled.value = value
    else others.set(object, value)
  }
}

/**
 * A private field: no other code can read or write it, whatever it has of the object. Where each request sets one, a `WeakMap`
 * takes eight times as long, and the garbage collector has to go through it.
 *
 * The first slot of an object is the field, and others are a `WeakMap`: with a name for each slot, engines would know none of
 * them well. One field, because Express makes each request a shape of its own, and each field copies that.
 */
export function slot<T>(): Slot<T> {
  const others = new WeakMap<object, T>()
  const slot: Slot<T> = {
    get: (object) => Slotted.get(object, slot, others),
    set: (object, value) => Slotted.set(object, slot, others, value),
  }
  return slot
}
