interface Part {
  close(): void | Promise<void>
}

/** Parts of a server that were opened, to be closed together, the last one first: at its end, or where another one cannot be opened. */
export class OpenParts {
  readonly #parts: Part[] = []

  async opened<P extends Part>(opening: Promise<P>): Promise<P> {
    const part = await opening
    this.#parts.push(part)
    return part
  }

  async close(): Promise<void> {
    for (let part = this.#parts.pop(); part; part = this.#parts.pop()) await part.close()
  }
}
