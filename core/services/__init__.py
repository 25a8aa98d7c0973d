"""What runs beside the doors: services, and the host that starts, restarts and reports them."""

from typing import TYPE_CHECKING

from storage import face

if TYPE_CHECKING:
    from core.services.agents import AgentsService as AgentsService
    from core.services.host import Service as Service
    from core.services.host import ServiceHost as ServiceHost
    from core.services.host import ServiceReport as ServiceReport
    from core.services.host import ServiceState as ServiceState
    from core.services.launch import ensure_host as ensure_host
    from core.services.lease import HostLease as HostLease
    from core.services.logs import LogsService as LogsService
    from core.services.metrics import MetricsService as MetricsService
    from core.services.projection import ProjectionService as ProjectionService
    from core.services.sign import HostSign as HostSign
    from core.services.sign import acting_host as acting_host
    from core.services.sign import current_host as current_host
    from storage import Database

__getattr__ = face(
    __name__,
    {
        "core.services.agents": "AgentsService",
        "core.services.host": "Service ServiceHost ServiceReport ServiceState",
        "core.services.launch": "ensure_host",
        "core.services.lease": "HostLease",
        "core.services.logs": "LogsService",
        "core.services.sign": "HostSign acting_host current_host",
        "core.services.metrics": "MetricsService",
        "core.services.projection": "ProjectionService",
    },
)


def services(database: "Database", lease: "HostLease") -> "list[Service]":
    """All services of a home, for the host that has `lease`: the same under the app and under `wzp serve`."""
    from core.alerts.service import AlertsService
    from core.dispatch import DispatcherService
    from core.processes.supervisor import SupervisorService
    from core.services.agents import AgentsService
    from core.services.logs import LogsService
    from core.services.metrics import MetricsService
    from core.services.projection import ProjectionService

    return [
        ProjectionService(database),
        AgentsService(database),
        SupervisorService(database, lease),
        MetricsService(database, lease),
        DispatcherService(database, lease),
        AlertsService(database, lease),
        LogsService(database),
    ]
