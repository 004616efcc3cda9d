/** A value for objects that others made, which nobody else finds: a `WeakMap` whose entries are fields of the objects. */
export interface Slot<T> {
  get(object: object): T | undefined
  set(object: object, value: T): void
}

/** What a constructor returns becomes `this` of the class that extends it, and gets that class's private fields. */
class Itself {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is what the class is for.
    return object
  }
}

/**
 * A private name of its own: no other code can read or write it, whatever it has of the object. Where each request sets
 * one, a `WeakMap` takes eight times as long, and the garbage collector has to go through it.
 */
export function slot<T>(): Slot<T> {
  return class Slotted extends Itself {
    #value: T

    constructor(object: object, value: T) {
      super(object)
      this.#value = value
    }

    static get(object: object): T | undefined {
      return #value in object ? object.#value : undefined
    }

    static set(object: object, value: T): void {
      if (#value in object) object.#value = value
      else new Slotted(object, value)
    }
  }
}
