import { SetMetadata } from '@nestjs/common';

export const PUBLIC = 'public';

/** This route needs no token. Every other one does. */
export const Public = () => SetMetadata(PUBLIC, true);
