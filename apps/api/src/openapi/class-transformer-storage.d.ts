/** Not in the type declarations of class-transformer, but needed by class-validator-jsonschema. */
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: import('class-transformer/types/MetadataStorage.js').MetadataStorage;
}
