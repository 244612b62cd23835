"""Libraries for the programs that are run: in the image, and out of the service's sight."""

from __future__ import annotations

import pytest
from building import Build, Tree, podman, python_in

# As `code_runner.runner.interpreter` has it for the programs.
FOR_PROGRAMS = ("env", "--unset=PYTHONPATH", "PYTHONUSERBASE=/opt/packages")


def python_of_programs(image: str, code: str) -> str:
    arguments = ("run", "--rm", "--read-only", "--network=none", image)
    return podman(*arguments, *FOR_PROGRAMS, "python3", "-c", code)


@pytest.fixture(scope="module")
def plain(tree: Tree) -> Build:
    return tree.build(code_runner_base="debian")


@pytest.fixture(scope="module")
def built(tree: Tree, plain: Build) -> Build:
    # Not the newest one, which is what a version is for.
    return tree.build(
        code_runner_base="debian", code_runner_packages=["python-dateutil", "six==1.16.0"]
    )


def test_programs_find_the_packages_and_what_these_need(built: Build) -> None:
    code = "import dateutil.parser, six; print(six.__version__, six.__file__, six.__cached__)"
    version, file, _ = python_of_programs(built.ref, code).split()

    assert version == "1.16.0"
    assert file.startswith("/opt/packages/lib/python3.")


def test_packages_are_compiled(built: Build) -> None:
    code = "import six, os; print(os.path.exists(six.__cached__))"

    assert python_of_programs(built.ref, code) == "True"


def test_the_service_does_not_see_them_nor_they_the_service(built: Build) -> None:
    code = "import importlib.util as i; print([bool(i.find_spec(n)) for n in ('six', 'aiohttp')])"

    assert python_in(built.ref, code) == "[False, True]"
    assert python_of_programs(built.ref, code) == "[True, False]"


def test_nobody_can_write_to_them(built: Build) -> None:
    found = podman(
        *("run", "--rm", "--user=0", built.ref, "find", "/opt/packages"),
        *("(", "-perm", "/022", "-o", "!", "-user", "0", ")"),
    )

    assert found == ""


def test_wheels_find_the_c_library_of_c_plus_plus(plain: Build) -> None:
    code = "import ctypes; ctypes.CDLL('libstdc++.so.6'); print('found')"

    assert python_in(plain.ref, code) == "found"


def test_other_packages_are_another_image_and_the_same_in_another_order_are_not(
    tree: Tree, plain: Build, built: Build
) -> None:
    again = tree.build(
        code_runner_base="debian",
        code_runner_packages=["six==1.16.0", "python-dateutil"],
        network=False,
    )

    assert plain.ref != built.ref
    assert (again.changed, again.ref, again.id) == (0, built.ref, built.id)


@pytest.mark.parametrize(
    "package",
    ["six==0.0.1", pytest.param("docopt==0.6.2", id="docopt-without-a-wheel")],
)
def test_a_package_that_cannot_be_had_is_named(tree: Tree, plain: Build, package: str) -> None:
    done = tree.play(
        "build.yml", code_runner_base="debian", code_runner_packages=["iniconfig", package]
    )

    assert done.returncode != 0
    assert f"code_runner_packages: pip finds no wheels of {package} for Python 3." in done.output
    assert tree.images().count(plain.ref) == 1


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"code_runner_packages": ["--index-url=http://127.0.0.1"]}, "--index-url"),
        ({"code_runner_packages": ["six", "-rfile"]}, "-rfile"),
        ({"code_runner_packages": ["six --pre"]}, "six --pre"),
        ({"code_runner_packages": ["six\n"]}, "code_runner_packages"),
        ({"code_runner_packages": ["six @ http://127.0.0.1/six.whl"]}, "six @"),
        ({"code_runner_packages": ["./six.whl"]}, "./six.whl"),
        ({"code_runner_packages": ["six"], "code_runner_image": "ready"}, "leave one"),
        ({"code_runner_preload": ["import six"]}, "import six"),
        ({"code_runner_preload": ["six-1"]}, "six-1"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(
    tree: Tree, variables: dict[str, object], named: str
) -> None:
    done = tree.play("build.yml", "--check", **variables)

    assert done.returncode != 0
    assert named in done.output
    assert "Look at the host" not in done.output
