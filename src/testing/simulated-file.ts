const sectorBytes = 512

/** A write, or a truncation, that is not synced, with what undoes it. */
interface Change {
  readonly position: number
  /** Null for a truncation to `position`. */
  readonly bytes: Uint8Array | null
  readonly sizeBefore: number
  /** What stood there before, as far as there was anything. */
  readonly before: Uint8Array
}

/** The bytes of a file of a `SimulatedDisk`, and which of them a crash may take back. */
export class SimulatedFile {
  #bytes = new Uint8Array(1024)
  #changes: Change[] = []
  size = 0

  read(position: number, target: Uint8Array): number {
    const there = this.#bytes.subarray(position, Math.max(position, Math.min(this.size, position + target.length)))
    target.set(there)
    return there.length
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length
    const before = this.#bytes.slice(position, Math.max(position, Math.min(this.size, end)))
    this.#changes.push({ position, bytes: bytes.slice(), sizeBefore: this.size, before })
    this.#put(position, bytes)
  }

  truncate(size: number): void {
    this.#changes.push({ position: size, bytes: null, sizeBefore: this.size, before: this.#bytes.slice(size, Math.max(size, this.size)) })
    this.#cut(size)
  }

  sync(): void {
    this.#changes = []
  }

  /** The machine crashes: of what was not synced the first part is there, or sectors of any of it. */
  crash(random: (below: number) => number): void {
    const changes = this.#changes
    for (const { position, sizeBefore, before } of changes.toReversed()) {
      this.#put(position, before)
      this.#cut(sizeBefore)
    }
    this.#changes = []
    if (random(2) === 0) {
      const kept = random(changes.length + 1)
      for (const change of changes.slice(0, kept)) this.#redo(change)
      const torn = changes[kept]
      if (torn?.bytes) this.#put(torn.position, torn.bytes.subarray(0, random(torn.bytes.length + 1)))
    } else {
      for (const change of changes) this.#redoSectors(change, random)
    }
  }

  #redo({ position, bytes }: Change): void {
    if (bytes === null) this.#cut(position)
    else this.#put(position, bytes)
  }

  #redoSectors(change: Change, random: (below: number) => number): void {
    const { position, bytes } = change
    if (bytes === null) {
      if (random(2) === 0) this.#redo(change)
      return
    }
    for (let start = 0; start < bytes.length; ) {
      const end = Math.min(bytes.length, start + sectorBytes - ((position + start) % sectorBytes))
      if (random(2) === 0) this.#put(position + start, bytes.subarray(start, end))
      start = end
    }
  }

  #put(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const end = position + bytes.length
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.set(bytes, position)
    this.size = Math.max(this.size, end)
  }

  /** Sets the size; bytes behind it are zeros when it grows again. */
  #cut(size: number): void {
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(size)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.fill(0, Math.min(size, this.size))
    this.size = size
  }
}
