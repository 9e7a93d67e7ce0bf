import type { Lineage, LineageDirection, LineagePart, LineageUse } from '../plan/index.ts'

/** Uses that go without saying. */
const plain: ReadonlySet<LineageUse> = new Set<LineageUse>(['value', 'read', 'code'])

/** What a node comes from, or what comes from it, as a tree; what stands above already is not drawn again. */
export function lineageTree(lineage: Lineage, start: string, direction: LineageDirection, depth: number): string {
  const lines = [start]
  const drawn = new Set([start])
  const draw = (id: string, before: string, left: number) => {
    if (left === 0) return
    const next = [...(direction === 'up' ? lineage.sourcesOf(id) : lineage.dependentsOf(id))]
    next.forEach(([other, use], place) => {
      const isLast = place === next.length - 1
      const again = drawn.has(other) && (direction === 'up' ? lineage.sourcesOf(other) : lineage.dependentsOf(other)).size > 0
      drawn.add(other)
      lines.push(`${before}${isLast ? '└─' : '├─'} ${other}${plain.has(use) ? '' : `  (${use})`}${again ? '  (as above)' : ''}`)
      if (!again) draw(other, `${before}${isLast ? '   ' : '│  '}`, left - 1)
    })
  }
  draw(start, '', depth)
  return lines.join('\n')
}

/** A lineage as a flowchart of Mermaid, from the left to the right; what belongs together stands in one box. */
export function lineageMermaid(parts: readonly LineagePart[]): string {
  const ids = [...new Set(parts.flatMap(({ nodes }) => nodes.map(({ id }) => id)))]
  const names = new Map(ids.map((id, place) => [id, `n${place}`]))
  const boxes = Map.groupBy(ids, wholeOf)
  const start = new Set(parts.flatMap((part) => part.start))
  const lines = ['flowchart LR']
  for (const [box, members] of boxes) {
    const drawn = members.map((id) => `${names.get(id)}["${box === '' ? id : id.slice(box.length + 1)}"]`)
    if (box === '') lines.push(...drawn.map((text) => `  ${text}`))
    else lines.push(`  subgraph ${JSON.stringify(box)}`, ...drawn.map((text) => `    ${text}`), '  end')
  }
  const edges = new Set(
    parts.flatMap(({ edges: all }) =>
      all.map(({ from, to, use }) => `  ${names.get(from)} ${plain.has(use) ? '-->' : `-. ${use} .->`} ${names.get(to)}`),
    ),
  )
  lines.push(...edges, ...[...start].map((id) => `  style ${names.get(id)} stroke-width:3px`))
  return lines.join('\n')
}

/** `source:orders` of `source:orders.total`; nothing of what is whole. */
const wholeOf = (id: string): string => (/^(trainingSet|model|caller):/.test(id) ? '' : id.slice(0, id.lastIndexOf('.')))
