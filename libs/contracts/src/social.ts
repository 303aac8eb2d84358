import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Min } from 'class-validator';
import { UserDto } from './identity.js';
import { MAX_CONTENT } from './messages.js';
import { PageOf, PageQuery } from './page.js';
import {
  IsHttpUrlList,
  IsId,
  IsMessageContent,
  IsNested,
  IsTimestamp,
  IsVisible,
  Nullable,
} from './validators.js';

export const MAX_MEDIA = 10;
/** The most people one may follow, and the most friends: a feed and a connecting device ask for all of them. */
export const MAX_FOLLOWS = 5000;
/** Of the different handles in a text, the first so many are mentions. */
export const MAX_MENTIONS = 20;

/** Somebody as their posts and requests show them. */
export class PersonDto {
  @IsId() id!: string;
  @IsString() name!: string;
  @IsString() handle!: string;
  @Nullable() @IsString() avatar!: string | null;
  @IsBoolean() is_master!: boolean;
}

/** A post as one of those who may see it sees it. */
export class PostDto {
  @IsId() id!: string;
  @IsNested(() => PersonDto) author!: PersonDto;
  @IsString() content!: string;
  @IsArray() @IsString({ each: true }) media_urls!: string[];
  /** A repost stays one when its original is deleted or out of the reader's sight: then `repost_of` is null. */
  @IsBoolean() is_repost!: boolean;
  /** Itself never a repost. */
  @Nullable() @IsNested(() => PostDto) repost_of!: PostDto | null;
  @IsInt() @Min(0) likes_count!: number;
  @IsInt() @Min(0) comments_count!: number;
  @IsInt() @Min(0) reposts_count!: number;
  /** By who reads it. */
  @IsBoolean() liked!: boolean;
  @IsTimestamp() created_at!: string;
}

export class PostPage extends PageOf(PostDto) {}

export class CreatePostBody {
  /** Empty only beside media. */
  @IsMessageContent(MAX_CONTENT) content!: string;
  @IsOptional() @IsHttpUrlList(MAX_MEDIA) media_urls?: string[];
}

export class RepostBody {
  @IsOptional() @IsMessageContent(MAX_CONTENT) @IsVisible({ orBlank: true }) content?: string;
}

export class LikeAnswer {
  @IsBoolean() liked!: boolean;
  @IsInt() @Min(0) likes_count!: number;
}

export class CommentDto {
  @IsId() id!: string;
  @IsId() author_id!: string;
  @IsString() author_name!: string;
  @Nullable() @IsString() author_avatar!: string | null;
  @IsString() content!: string;
  @IsTimestamp() created_at!: string;
  /** The comment that this one answers, itself no answer. */
  @Nullable() @IsId() parent_id!: string | null;
}

export class CommentPage extends PageOf(CommentDto) {}

export class CreateCommentBody {
  @IsMessageContent(MAX_CONTENT) @IsVisible() content!: string;
  @IsOptional() @IsId() parent_id?: string;
}

/** To the author and to the author's and the liker's followers, also when a like is taken back. */
export class PostLikedEvent {
  @IsId() post_id!: string;
  @IsId() user_id!: string;
  @IsString() user_name!: string;
  /** False when the like is taken back, else absent. */
  @IsOptional() @IsBoolean() liked?: boolean;
  @IsInt() @Min(0) likes_count!: number;
}

/** To the post's author. */
export class PostCommentedEvent {
  @IsId() post_id!: string;
  @IsNested(() => CommentDto) comment!: CommentDto;
  @IsInt() @Min(0) comments_count!: number;
}

/** To the post's author. Answers to the comment are deleted with it. */
export class PostCommentDeletedEvent {
  @IsId() post_id!: string;
  @IsId() comment_id!: string;
  @IsInt() @Min(0) comments_count!: number;
}

/** To the author and the author's followers. */
export class PostDeletedEvent {
  @IsId() post_id!: string;
}

export const FRIEND_REQUEST_STATUSES = ['pending', 'accepted', 'declined'] as const;

export class FriendRequestDto {
  @IsId() id!: string;
  @IsNested(() => PersonDto) from!: PersonDto;
  @IsNested(() => PersonDto) to!: PersonDto;
  @IsIn(FRIEND_REQUEST_STATUSES) status!: (typeof FRIEND_REQUEST_STATUSES)[number];
  @IsTimestamp() created_at!: string;
}

export class FriendRequestPage extends PageOf(FriendRequestDto) {}

export class FriendRequestQuery extends PageQuery {
  @IsIn(['incoming', 'outgoing']) direction: 'incoming' | 'outgoing' = 'incoming';
}
export class BlockedPage extends PageOf(PersonDto) {}
export class FriendPage extends PageOf(UserDto) {}

export class FriendRequestBody {
  @IsId() user_id!: string;
}
