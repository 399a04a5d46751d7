import { createParamDecorator } from '@nestjs/common';

/** The caller's id. Everything stored belongs to one, and every query carries it. */
export const Owner = createParamDecorator((): string => 'local');
