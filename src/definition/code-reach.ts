import { readFileSync } from 'node:fs'
import type { AnyNode } from 'acorn'
import { canonicalJson } from '../lib/canonical-json.ts'
import { codeForm, type FreeNames, namesAsWritten } from './code-form.ts'
import { importTarget } from './code-imports.ts'
import { type CodeModule, type ImportedName, readCodeModule, type TopLevelPart } from './code-module.ts'
import { childrenOf, type FunctionNode, isBound, isFunction, type Scope, scopeInside } from './code-scope.ts'

/** A place in a module where a function stands, with the names that are bound around it. */
interface Place {
  readonly module: CodeModule
  readonly part: TopLevelPart
  readonly node: FunctionNode
  readonly around: Scope
}

/**
 * All that a function uses. Each declaration, statement, namespace or data file that is reached is a unit, numbered by
 * its first mention; in the forms of code, numbers stand for the names of other units, so that only what is used counts,
 * not what it is called or where it stands.
 */
export class CodeReach {
  readonly files = new Set<string>()
  /** False once something was used that cannot be seen. */
  complete = true
  readonly #modules = new Map<string, CodeModule | null>()
  readonly #numbers = new Map<TopLevelPart | string, number>()
  readonly #units: (() => unknown)[] = []
  /** The names of each module's top level that are in use. */
  readonly #mentioned = new Map<CodeModule, Set<string>>()

  /** All functions with the same code as `code`, in the first module that has one: the one at `start`, then those it imports. */
  find(code: FunctionNode, start: string): Place[] {
    const wanted = canonicalJson(codeForm(code, namesAsWritten))
    const urls = new Set([start])
    for (const url of urls) {
      const module = this.#module(url)
      const places = module?.parts.flatMap((part) => functionsIn(part.node, null).map((place) => ({ ...place, module, part }))) ?? []
      const equal = places.filter(
        ({ node }) => node.params.length === code.params.length && canonicalJson(codeForm(node, namesAsWritten)) === wanted,
      )
      if (equal.length > 0) return equal
      for (const specifier of module?.specifiers ?? []) {
        const target = importTarget(specifier, url)
        if (target?.kind === 'code') urls.add(target.url)
      }
    }
    return []
  }

  /** The code of the function and of all that it uses, as data. Equal code at several places counts once where it means the same. */
  follow(places: readonly Place[]): unknown {
    const roots = new Set(places.map((place) => canonicalJson(codeForm(place.node, this.#namesAt(place)))))
    const forms: unknown[] = []
    do {
      while (forms.length < this.#units.length) forms.push(this.#units[forms.length]?.())
      this.#reachStatements()
    } while (forms.length < this.#units.length)
    return [[...roots], forms]
  }

  /** A statement of the top level that mentions a name in use, such as one that fills a table, counts like a declaration. */
  #reachStatements(): void {
    for (const [module, names] of this.#mentioned) {
      for (const part of module.parts) {
        if (part.names.length === 0 && !this.#numbers.has(part) && mentionsAny(part.node, names)) this.#part(module, part)
      }
    }
  }

  #module(url: string): CodeModule | null {
    let module = this.#modules.get(url)
    if (module === undefined) {
      try {
        module = readCodeModule(url)
      } catch {
        module = null
      }
      this.#modules.set(url, module)
    }
    return module
  }

  #unit(key: TopLevelPart | string, form: () => unknown): number {
    const number = this.#numbers.get(key) ?? this.#units.push(form) - 1
    this.#numbers.set(key, number)
    return number
  }

  #part(module: CodeModule, part: TopLevelPart): number {
    this.files.add(module.url)
    return this.#unit(part, () => codeForm(part.node, this.#namesIn(module)))
  }

  #namespace(module: CodeModule): number {
    const names = [...this.#exportedNames(module)].sort()
    return this.#unit(`* of ${module.url}`, () => names.map((name) => [name, this.#exported(module, name)]))
  }

  #data(url: string): number {
    this.files.add(url)
    return this.#unit(url, () => {
      const content = readFileSync(new URL(url))
      return url.endsWith('.json') ? JSON.parse(content.toString().replace(/^\uFEFF/, '')) : content.toString('base64')
    })
  }

  #namesIn(module: CodeModule): FreeNames {
    return {
      name: (name) => this.#local(module, name),
      member: (name, property) => {
        const imported = module.imports.get(name)
        if (imported?.name !== '*') return undefined
        this.#mention(module, name)
        return this.#import(module, { ...imported, name: property })
      },
    }
  }

  /** Names bound around the function stand for the code that binds them; the values that they have are not known. */
  #namesAt({ module, part, around }: Place): FreeNames {
    this.files.add(module.url)
    const names = this.#namesIn(module)
    return {
      name: (name) => {
        if (!isBound(around, name)) return names.name(name)
        this.complete = false
        return { captured: [this.#part(module, part), name] }
      },
      member: (name, property) => (isBound(around, name) ? undefined : names.member(name, property)),
    }
  }

  #mention(module: CodeModule, name: string): void {
    this.#mentioned.set(module, (this.#mentioned.get(module) ?? new Set()).add(name))
  }

  /** What stands for a name of a module's top level. `path` holds the exports on the way to it. */
  #local(module: CodeModule, name: string, path: readonly string[] = []): unknown {
    const part = module.parts.find(({ names }) => names.includes(name))
    const imported = module.imports.get(name)
    if (!part && !imported) return { global: name }
    this.#mention(module, name)
    return part ? { unit: this.#part(module, part), name: part.names.indexOf(name) } : this.#import(module, imported as ImportedName, path)
  }

  #import(module: CodeModule, { specifier, name }: ImportedName, path: readonly string[] = []): unknown {
    const target = importTarget(specifier, module.url)
    if (target?.kind === 'package') return { package: target.name, version: target.version, name }
    if (target?.kind === 'data') return { unit: this.#data(target.url) }
    const from = target && this.#module(target.url)
    if (from && name === '*') return { unit: this.#namespace(from) }
    const found = from && this.#exported(from, name, path)
    if (found) return found
    this.complete = false
    return from ? { units: from.parts.map((part) => this.#part(from, part)), name } : { unknown: specifier, name }
  }

  /** What stands for an exported name; null where the module has no such export that can be seen, as in CommonJS. */
  #exported(module: CodeModule, name: string, path: readonly string[] = []): unknown {
    const step = `${name} of ${module.url}`
    if (path.includes(step)) return null
    const exported = module.exports.get(name)
    if (typeof exported === 'string') return this.#local(module, exported, [...path, step])
    if (exported) return this.#import(module, exported, [...path, step])
    if (name === 'default') return null
    for (const from of this.#exportedAll(module)) {
      const found = this.#exported(from, name, [...path, step])
      if (found) return found
    }
    return null
  }

  #exportedNames(module: CodeModule, seen = new Set<CodeModule>()): Set<string> {
    const others = seen.has(module) ? [] : this.#exportedAll(module)
    seen.add(module)
    const inherited = others.flatMap((from) => [...this.#exportedNames(from, seen)]).filter((name) => name !== 'default')
    return new Set([...module.exports.keys(), ...inherited])
  }

  /** The modules of the project that are exported from as a whole. */
  #exportedAll(module: CodeModule): CodeModule[] {
    return module.exportAll
      .map((specifier) => importTarget(specifier, module.url))
      .map((target) => (target?.kind === 'code' ? this.#module(target.url) : null))
      .filter((from) => from !== null)
  }
}

function functionsIn(node: AnyNode, around: Scope): { node: FunctionNode; around: Scope }[] {
  const inside = scopeInside(node, around)
  return [...(isFunction(node) ? [{ node, around }] : []), ...childrenOf(node).flatMap((child) => functionsIn(child, inside))]
}

function mentionsAny(node: AnyNode, names: ReadonlySet<string>): boolean {
  let found = false
  codeForm(node, {
    name: (name) => {
      found ||= names.has(name)
      return name
    },
    member: () => undefined,
  })
  return found
}
