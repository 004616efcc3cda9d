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

class Slotted extends Itself {
  #slot: object
  #value: unknown

  constructor(object: object, slot: object, value: unknown) {
    super(object)
    this.#slot = slot
    this.#value = value
  }

  static get<T>(object: object, slot: object, others: WeakMap<object, T>): T | undefined {
    if (!(#slot in object)) return undefined
    return object.#slot === slot ? (object.#value as T) : others.get(object)
  }

  static set<T>(object: object, slot: object, others: WeakMap<object, T>, value: T): void {
    if (!(#slot in object)) new Slotted(object, slot, value)
    else if (object.#slot === slot) object.#value = value
    else others.set(object, value)
  }
}

/**
 * A private field: no other code can read or write it, whatever it has of the object. Where each request sets one, a `WeakMap`
 * takes eight times as long, and the garbage collector has to go through it.
 *
 * The first slot of an object is the field, and others are a `WeakMap`: with a field's name for each slot, engines would know
 * none of them well.
 */
export function slot<T>(): Slot<T> {
  const others = new WeakMap<object, T>()
  const slot: Slot<T> = {
    get: (object) => Slotted.get(object, slot, others),
    set: (object, value) => Slotted.set(object, slot, others, value),
  }
  return slot
}
