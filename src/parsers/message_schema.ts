/**
 * Schemas of protobuf messages, as tables that generators write: fields by name, with number and type. For text,
 * which names fields that the wire only numbers.
 *
 * @module
 */

/** How a field's value is written. */
export type FieldType =
  | {
    readonly kind:
      | "int"
      | "sint"
      | "bool"
      | "fixed32"
      | "fixed64"
      | "float"
      | "double"
      | "string"
      | "bytes";
  }
  | { readonly kind: "enum"; readonly values: ReadonlyMap<string, number> }
  | { readonly kind: "message"; readonly message: string };

/** One field. */
interface SchemaField {
  readonly name: string;
  readonly number: number;
  readonly type: FieldType;
}

/** Fields of a message by name. */
type SchemaMessage = ReadonlyMap<string, SchemaField>;

/** Messages, and enumerations, by their names without the package. */
export interface SchemaTable {
  /** Fields, separated by blanks: `name:number:type`, where the type is a letter, or the name of another. */
  readonly messages: Readonly<Record<string, string>>;
  /** Values, separated by blanks: `NAME:number`. */
  readonly enums: Readonly<Record<string, string>>;
}

const LETTERS: Readonly<Record<string, FieldType["kind"]>> = {
  __proto__: null as never,
  i: "int",
  z: "sint",
  b: "bool",
  x: "fixed32",
  y: "fixed64",
  f: "float",
  d: "double",
  s: "string",
  c: "bytes",
};

/** Messages that were read from a table. */
export class MessageSchema {
  readonly #table: SchemaTable;
  readonly #read = new Map<string, SchemaMessage>();

  constructor(table: SchemaTable) {
    this.#table = table;
  }

  /** True for a message of the table. */
  has(name: string): boolean {
    return Object.hasOwn(this.#table.messages, name);
  }

  /** @throws RangeError when the table has no such message: a mistake of the caller */
  message(name: string): SchemaMessage {
    let fields = this.#read.get(name);
    if (fields === undefined) {
      const row = this.has(name) ? this.#table.messages[name] : undefined;
      if (row === undefined) throw new RangeError(`There is no message ${name}`);
      fields = new Map(
        row.split(" ").filter((it) => it !== "").map((text) => {
          const [field = "", number = "", type = ""] = text.split(":");
          return [field, { name: field, number: Number(number), type: this.#type(type) }];
        }),
      );
      this.#read.set(name, fields);
    }
    return fields;
  }

  #type(text: string): FieldType {
    const kind = LETTERS[text];
    if (kind !== undefined) return { kind } as FieldType;
    if (!Object.hasOwn(this.#table.enums, text)) return { kind: "message", message: text };
    const values = new Map(
      (this.#table.enums[text] ?? "").split(" ").map((value) => {
        const [name = "", number = ""] = value.split(":");
        return [name, Number(number)];
      }),
    );
    return { kind: "enum", values };
  }
}
