/**
 * Tree: what a transfer needs of a place where files are put. Paths are arrays of names, relative to that place.
 *
 * Every method rejects with FileTrouble. `folder.js` has the real ones; tests have a double in memory.
 *
 * @typedef {object} Found
 * @property {number} kind  FILE or FOLDER of FILE_KIND
 * @property {number} size
 * @property {number} modified_us
 *
 * @typedef {object} Part  What there is of a file.
 * @property {number} size
 * @property {(offset: number, size: number) => Promise<Uint8Array>} read  fewer bytes only at its end
 *
 * @typedef {object} Writer  A file that is written beside its place; what is skipped is zero.
 * @property {(offset: number, data: Uint8Array) => Promise<void>} write
 * @property {() => Promise<void>} finish  give it its name, in one step
 * @property {() => Promise<void>} discard  remove it
 * @property {() => Promise<void>} close  keep what there is, to go on with it later
 *
 * @typedef {object} Tree
 * @property {import("./names.js").Naming} naming
 * @property {(names: string[]) => Promise<Found | null>} look
 * @property {(names: string[]) => Promise<Part | null>} content  of a file that is whole
 * @property {(names: string[]) => Promise<Part | null>} part  of one that is not whole yet
 * @property {(names: string[], keep: number, size: number) => Promise<Writer>} write  begin a file of `size` bytes, or go on
 * with the first `keep` bytes of its part
 * @property {(names: string[]) => Promise<void>} makeFolder  in one that is there
 * @property {() => Promise<number | null>} free  bytes that can still be written; null: nobody knows
 */

export {};
