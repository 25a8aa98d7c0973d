"""Everything that touches the disk: the database, its events and change feed, backups, files, logs.

It knows rows, not rules. Other packages import from here, never from the modules inside.
"""

from typing import TYPE_CHECKING

from storage.lazy import face as face

if TYPE_CHECKING:
    from storage.backup import Backup as Backup
    from storage.backup import create_backup as create_backup
    from storage.backup import find_backup as find_backup
    from storage.backup import list_backups as list_backups
    from storage.backup import verify_backup as verify_backup
    from storage.change_feed import ChangeFeed as ChangeFeed
    from storage.clock import boot_id as boot_id
    from storage.clock import format_time as format_time
    from storage.clock import monotonic as monotonic
    from storage.clock import parse_time as parse_time
    from storage.clock import utc_now as utc_now
    from storage.codec import BOOKKEEPING as BOOKKEEPING
    from storage.codec import changed_fields as changed_fields
    from storage.codec import decode_json as decode_json
    from storage.codec import encode_json as encode_json
    from storage.codec import field_codecs as field_codecs
    from storage.codec import from_wire as from_wire
    from storage.codec import to_wire as to_wire
    from storage.codec import values_from_wire as values_from_wire
    from storage.collecting import collecting_paused as collecting_paused
    from storage.crashes import note_crashes as note_crashes
    from storage.database import Database as Database
    from storage.errors import BackupFailed as BackupFailed
    from storage.errors import CorruptedData as CorruptedData
    from storage.errors import ParallelError as ParallelError
    from storage.errors import RestoreFailed as RestoreFailed
    from storage.errors import SchemaTooNew as SchemaTooNew
    from storage.errors import StorageError as StorageError
    from storage.errors import StorageFull as StorageFull
    from storage.errors import StorageReadOnly as StorageReadOnly
    from storage.errors import StorageTimeout as StorageTimeout
    from storage.errors import UnsafeEngine as UnsafeEngine
    from storage.errors import UnsafeFilesystem as UnsafeFilesystem
    from storage.file_watch import FileWatch as FileWatch
    from storage.files import write_atomically as write_atomically
    from storage.home import HOME_VARIABLE as HOME_VARIABLE
    from storage.home import Home as Home
    from storage.ids import new_agent_id as new_agent_id
    from storage.ids import new_alert_id as new_alert_id
    from storage.ids import new_comment_id as new_comment_id
    from storage.ids import new_handoff_id as new_handoff_id
    from storage.ids import new_process_id as new_process_id
    from storage.ids import new_room_id as new_room_id
    from storage.ids import new_run_id as new_run_id
    from storage.ids import new_session_id as new_session_id
    from storage.ids import new_task_id as new_task_id
    from storage.logs import start_logging as start_logging
    from storage.measuring import LIVING as LIVING
    from storage.measuring import Transition as Transition
    from storage.measuring import counts_by_status as counts_by_status
    from storage.measuring import living_processes as living_processes
    from storage.measuring import open_tasks as open_tasks
    from storage.measuring import status_moves as status_moves
    from storage.measuring import times_of as times_of
    from storage.measuring import transitions as transitions
    from storage.metrics import MetricsStore as MetricsStore
    from storage.metrics import Point as Point
    from storage.metrics import Subject as Subject
    from storage.metrics_reader import MetricsReader as MetricsReader
    from storage.metrics_reader import ProcessSample as ProcessSample
    from storage.metrics_reader import span_seconds as span_seconds
    from storage.output import OutputChunk as OutputChunk
    from storage.output import OutputLine as OutputLine
    from storage.output import OutputReader as OutputReader
    from storage.output_text import searchable as searchable
    from storage.output_text import strip_ansi as strip_ansi
    from storage.process_records import Alert as Alert
    from storage.process_records import LogSettings as LogSettings
    from storage.process_records import Probe as Probe
    from storage.process_records import Process as Process
    from storage.process_records import ProcessSpec as ProcessSpec
    from storage.process_records import Restart as Restart
    from storage.process_records import Run as Run
    from storage.reader import Reader as Reader
    from storage.records import RECORDS as RECORDS
    from storage.records import Agent as Agent
    from storage.records import Comment as Comment
    from storage.records import Entity as Entity
    from storage.records import Event as Event
    from storage.records import Handoff as Handoff
    from storage.records import Presence as Presence
    from storage.records import Result as Result
    from storage.records import Room as Room
    from storage.records import Session as Session
    from storage.records import Task as Task
    from storage.replaying import replay as replay
    from storage.replaying import replay_wire as replay_wire
    from storage.restore import Restored as Restored
    from storage.restore import Restorer as Restorer
    from storage.restore import events_since as events_since
    from storage.restore import restore_backup as restore_backup
    from storage.trash import new_trash_folder as new_trash_folder
    from storage.trash import remove_trashed as remove_trashed
    from storage.trash import trashed as trashed
    from storage.vocabulary import COLUMNS as COLUMNS
    from storage.vocabulary import AgentCommands as AgentCommands
    from storage.vocabulary import AgentId as AgentId
    from storage.vocabulary import AgentKind as AgentKind
    from storage.vocabulary import AgentState as AgentState
    from storage.vocabulary import AlertId as AlertId
    from storage.vocabulary import AlertSeverity as AlertSeverity
    from storage.vocabulary import Backend as Backend
    from storage.vocabulary import ChangeId as ChangeId
    from storage.vocabulary import CommentId as CommentId
    from storage.vocabulary import Condition as Condition
    from storage.vocabulary import Desired as Desired
    from storage.vocabulary import Door as Door
    from storage.vocabulary import Ending as Ending
    from storage.vocabulary import EntityKind as EntityKind
    from storage.vocabulary import EventId as EventId
    from storage.vocabulary import Finish as Finish
    from storage.vocabulary import HandoffId as HandoffId
    from storage.vocabulary import HandoffStatus as HandoffStatus
    from storage.vocabulary import LostClaims as LostClaims
    from storage.vocabulary import Priority as Priority
    from storage.vocabulary import ProcessId as ProcessId
    from storage.vocabulary import ProcessKind as ProcessKind
    from storage.vocabulary import ProcessState as ProcessState
    from storage.vocabulary import RestartPolicy as RestartPolicy
    from storage.vocabulary import Role as Role
    from storage.vocabulary import RoomId as RoomId
    from storage.vocabulary import RunId as RunId
    from storage.vocabulary import RunState as RunState
    from storage.vocabulary import SessionId as SessionId
    from storage.vocabulary import SessionState as SessionState
    from storage.vocabulary import StateSource as StateSource
    from storage.vocabulary import Status as Status
    from storage.vocabulary import TaskId as TaskId
    from storage.vocabulary import WipMode as WipMode
    from storage.writer import Authorship as Authorship
    from storage.writer import Writer as Writer

__getattr__ = face(
    __name__,
    {
        "storage.backup": "Backup create_backup find_backup list_backups verify_backup",
        "storage.change_feed": "ChangeFeed",
        "storage.file_watch": "FileWatch",
        "storage.clock": "boot_id format_time monotonic parse_time utc_now",
        "storage.codec": "BOOKKEEPING changed_fields decode_json encode_json field_codecs from_wire to_wire "
        "values_from_wire",
        "storage.collecting": "collecting_paused",
        "storage.crashes": "note_crashes",
        "storage.database": "Database",
        "storage.errors": "BackupFailed CorruptedData ParallelError RestoreFailed SchemaTooNew "
        "StorageError StorageFull StorageReadOnly "
        "StorageTimeout UnsafeEngine UnsafeFilesystem",
        "storage.files": "write_atomically",
        "storage.home": "HOME_VARIABLE Home",
        "storage.ids": "new_agent_id new_alert_id new_comment_id new_handoff_id new_process_id new_room_id new_run_id "
        "new_session_id new_task_id",
        "storage.logs": "start_logging",
        "storage.measuring": "LIVING Transition counts_by_status living_processes open_tasks status_moves times_of "
        "transitions",
        "storage.metrics": "MetricsStore Point Subject",
        "storage.metrics_reader": "MetricsReader ProcessSample span_seconds",
        "storage.output": "OutputChunk OutputLine OutputReader",
        "storage.output_text": "searchable strip_ansi",
        "storage.reader": "Reader",
        "storage.process_records": "Alert LogSettings Probe Process ProcessSpec Restart Run",
        "storage.records": "Agent Comment Entity Event Handoff Presence RECORDS Result Room Session Task",
        "storage.vocabulary": "AgentCommands AgentId AgentKind AgentState AlertId AlertSeverity Backend COLUMNS "
        "ChangeId CommentId Condition Desired Door Ending EntityKind EventId Finish HandoffId "
        "HandoffStatus LostClaims Priority ProcessId ProcessKind ProcessState RestartPolicy "
        "Role RoomId RunId RunState SessionId SessionState StateSource Status TaskId WipMode",
        "storage.replaying": "replay replay_wire",
        "storage.restore": "Restored Restorer events_since restore_backup",
        "storage.trash": "new_trash_folder remove_trashed trashed",
        "storage.writer": "Authorship Writer",
    },
)
