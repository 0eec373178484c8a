import typer

app = typer.Typer()


def register(app: typer.Typer) -> None: ...
