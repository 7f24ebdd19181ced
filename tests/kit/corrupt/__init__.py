"""What can happen to the bytes of a drive while nobody looks, each corruptor named by what it damages.

They change the files of a drive as a failing disk, an operator or an accident would, in a folder of the real
file system or in memory. A drive is given by its path, or as anything with `files` and `path`. Nothing is
made good: checksums stay as they were, so that what was damaged can be found out. Whoever serves the drive
meanwhile notices nothing.

    flip_…, cut_…, swap_…     one chosen place; the drive's identity must be whole where a key is given
    damage_…, lose_…, drop_…  all of a kind; the answer is how many that were
    remember, put_back        old news
"""

from tests.kit.corrupt.drive import damage_identity, empty_drive, lose_identity, wrong_identity
from tests.kit.corrupt.index import cut_index, damage_index, damage_index_cells, drop_index, flip_index
from tests.kit.corrupt.log import (
    cut_log,
    cut_segment,
    damage_last_record,
    damage_record_bodies,
    damage_record_data,
    damage_record_headers,
    damage_records,
    damage_segment_headers,
    flip_record_body,
    flip_record_data,
    flip_record_header,
    flip_segment_header,
    lose_log,
    misdirect_record,
)
from tests.kit.corrupt.places import cut_file, flip_bit, lose_file, swap_files
from tests.kit.corrupt.shards import (
    cut_shard_files,
    damage_shard_files,
    damage_shard_headers,
    damage_shard_tails,
    flip_fragment,
    flip_shard_data,
    flip_shard_header,
    flip_shard_tail,
    lose_shard_files,
    replace_shard_file,
    swap_frames,
    swap_shard_files,
)
from tests.kit.corrupt.stale import INDEX, LOG, SHARDS, WHOLE_DRIVE, Keepsake, put_back, put_over, remember

__all__ = [
    "INDEX",
    "LOG",
    "SHARDS",
    "WHOLE_DRIVE",
    "Keepsake",
    "cut_file",
    "cut_index",
    "cut_log",
    "cut_segment",
    "cut_shard_files",
    "damage_identity",
    "damage_index",
    "damage_index_cells",
    "damage_last_record",
    "damage_record_bodies",
    "damage_record_data",
    "damage_record_headers",
    "damage_records",
    "damage_segment_headers",
    "damage_shard_files",
    "damage_shard_headers",
    "damage_shard_tails",
    "drop_index",
    "empty_drive",
    "flip_bit",
    "flip_fragment",
    "flip_index",
    "flip_record_body",
    "flip_record_data",
    "flip_record_header",
    "flip_segment_header",
    "flip_shard_data",
    "flip_shard_header",
    "flip_shard_tail",
    "lose_file",
    "lose_identity",
    "lose_log",
    "lose_shard_files",
    "misdirect_record",
    "put_back",
    "put_over",
    "remember",
    "replace_shard_file",
    "swap_files",
    "swap_frames",
    "swap_shard_files",
    "wrong_identity",
]
