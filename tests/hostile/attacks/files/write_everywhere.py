"""Write into every folder.

Tries: to make a file in each folder that it can name.
Expect: contained
"""

TOPS = "/ /bin /boot /dev /etc /home /lib /mnt /opt /proc /root /run /sbin /srv /sys /usr /var"
made = []
tried = 0
for top in TOPS.split():
    folders = [top]
    for path, names, _ in os.walk(top):
        if path.count("/") > 4:
            names.clear()
        folders += [f"{path}/{name}" for name in names]
    for folder in folders:
        if folder.startswith("/dev/shm"):
            continue
        tried += 1
        try:
            os.close(os.open(f"{folder}/breach", os.O_CREAT | os.O_WRONLY))
            made.append(folder)
            os.unlink(f"{folder}/breach")
        except OSError:
            pass
if made:
    breach(f"made files in {made}")
else:
    contained(f"{tried} folders refused")
