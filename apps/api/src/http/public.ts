import { SetMetadata } from '@nestjs/common';

export const PUBLIC = 'public';

/** This route requires no token. All other routes do. */
export const Public = () => SetMetadata(PUBLIC, true);
