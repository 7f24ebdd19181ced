"""All planted bugs, by what of the engine they are planted in."""

from __future__ import annotations

from tests.planted.bug import PlantedBug
from tests.planted.catalogue.bus import BUS
from tests.planted.catalogue.clients import CLIENTS
from tests.planted.catalogue.commit_path import COMMIT_PATH
from tests.planted.catalogue.coordinators import COORDINATORS
from tests.planted.catalogue.drive_content import DRIVE_CONTENT
from tests.planted.catalogue.drive_index import DRIVE_INDEX
from tests.planted.catalogue.healing import HEALING
from tests.planted.catalogue.locks import LOCKS
from tests.planted.catalogue.monitoring import MONITORING
from tests.planted.catalogue.moves import GROWTH
from tests.planted.catalogue.reads import READS
from tests.planted.catalogue.recovery import RECOVERY
from tests.planted.catalogue.renames import RENAMES
from tests.planted.catalogue.scrubbing import SCRUBBING
from tests.planted.catalogue.start import START
from tests.planted.catalogue.storage_classes import STORAGE_CLASSES
from tests.planted.catalogue.uploads import UPLOADS
from tests.planted.catalogue.versions import VERSIONS
from tests.planted.catalogue.writes import WRITES

ALL = (
    *COMMIT_PATH, *RECOVERY, *DRIVE_INDEX, *DRIVE_CONTENT, *WRITES, *VERSIONS, *READS, *UPLOADS, *LOCKS,
    *COORDINATORS, *STORAGE_CLASSES, *RENAMES, *GROWTH, *HEALING, *SCRUBBING, *CLIENTS, *BUS, *START,
    *MONITORING,
)  # fmt: skip
BUGS: dict[str, PlantedBug] = {bug.name: bug for bug in ALL}
