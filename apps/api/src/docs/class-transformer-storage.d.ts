/** Not part of class-transformer's typed surface, but what class-validator-jsonschema asks for. */
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: import('class-transformer/types/MetadataStorage.js').MetadataStorage;
}
